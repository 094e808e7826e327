import { describe, expect, it } from 'vitest';
import { newCelEnvironment } from '../../../../api/machinery/cel/cel-js.ts';
import { CelEvaluationError, type CelProgram } from '../../../../api/machinery/cel/environment.ts';

const environment = newCelEnvironment({ variables: { name: 'string', sizes: 'list<int>' } });
const COST_MAX = 100_000;

function programOf(expression: string): CelProgram {
  const compiled = environment.compile(expression);
  if ('error' in compiled) throw new Error(compiled.error);
  return compiled.program;
}

function evaluate(expression: string): unknown {
  return programOf(expression).evaluate({ name: 'gpu.example.com', sizes: [1n, 2n, 3n] }, COST_MAX);
}

describe('expressions that hold', () => {
  it.each([
    'quantity("1Gi") == quantity("1024Mi")',
    'quantity("1").add(quantity("500m")).compareTo(quantity("1500m")) == 0',
    'quantity("2").sub(1).asInteger() == 1',
    'quantity("-3").sign() == -1',
    '!quantity("1500m").isInteger()',
    'quantity("500m").asApproximateFloat() == 0.5',
    'quantity("50k").isLessThan(quantity("50Ki"))',
    'isQuantity("1Gi") && !isQuantity("1GiB")',
    'semver("1.10.0").isGreaterThan(semver("1.9.0"))',
    'semver("1.0.0-rc.1").isLessThan(semver("1.0.0"))',
    'semver("1.0.0-alpha.2").isLessThan(semver("1.0.0-alpha.10"))',
    'semver("1.0.0+a") == semver("1.0.0+b")',
    'semver("v1.2", true).minor() == 2',
    'isSemver("1.2.3") && !isSemver("v1.2.3") && isSemver("v1.2.3", true)',
    'name.matches("^gpu[.].*$")',
    'name.find("[a-z]+") == "gpu"',
    '"a1b22".findAll("[0-9]+") == ["1", "22"]',
    '"a1b22".findAll("[0-9]+", 1) == ["1"]',
    '"baab".findAll("a*") == ["", "aa", ""]',
    `!"${'a'.repeat(500)}!".matches("^(a+)+$")`, // which holds up an engine that goes back
    'name.replace("gpu", "tpu") == "tpu.example.com"',
    '"aaa".replace("a", "b", 2) == "bba"',
    '"abc".charAt(1) == "b" && "abc".reverse() == "cba"',
    'sizes.exists(s, s > 2) && sizes.all(s, s > 0) && sizes.map(s, s * 2)[2] == 6',
    'cel.bind(n, name, n.startsWith("gpu"))',
    'optional.of(1).hasValue()',
  ])('%s', (expression) => {
    expect(evaluate(expression)).toBe(true);
  });
});

describe('evaluation fails in upstream’s words', () => {
  it.each([
    { expression: '1 / (sizes[0] - 1) == 1', message: 'division by zero' },
    { expression: '{"a": 1}.b == 1', message: 'no such key: b' },
    { expression: 'dyn(1).startsWith("a")', message: 'no such overload' },
    { expression: 'semver("x").major() == 1', message: 'invalid semver: x' },
    {
      expression: 'name.matches(name + "(")',
      message: 'error parsing regexp: missing closing ): `gpu.example.com(`',
    },
    {
      expression:
        'sizes.all(a, sizes.all(b, sizes.all(c, sizes.all(d, sizes.all(e, sizes.all(f, sizes.all(g, sizes.all(h, a + b + c + d + e + f + g + h > 0))))))))',
      message: 'operation cancelled: actual cost limit exceeded',
    },
  ])('$expression', ({ expression, message }) => {
    expect(() => evaluate(expression)).toThrow(new CelEvaluationError(message));
  });
});

it('does not let an operator swallow that the limit is exceeded', () => {
  const program = programOf('true || sizes.all(a, a > 0) || sizes.all(a, sizes.all(b, a + b > 0)) || true');
  expect(program.evaluate({ name: '', sizes: [1n] }, 0)).toBe(true);
  const late = programOf('sizes.all(a, sizes.all(b, a + b > 0)) || true');
  expect(() => late.evaluate({ name: '', sizes: [1n, 2n] }, 5)).toThrow('cost limit exceeded');
});

describe('what does not compile is told with its place', () => {
  it.each([
    ['size(1) == 1', "1:5: found no matching overload for 'size' applied to '(int)'"],
    ['name == 1', "1:6: found no matching overload for '_==_' applied to '(string, int)'"],
    ['!name', "1:1: found no matching overload for '!_' applied to '(string)'"],
    ['nothing == 1', "1:1: undeclared reference to 'nothing' (in container '')"],
    ['name.nothing()', "1:13: undeclared reference to 'nothing' (in container '')"],
    ['name.matches("(")', '1:14: invalid matches argument'],
    ['name.matches(1)', "1:13: found no matching overload for 'matches' applied to 'string.(int)'"],
    ['name.matchesInLinearTime("a")', "1:1: undeclared reference to 'matchesInLinearTime' (in container '')"],
    ['name.field', "1:5: type 'string' does not support field selection"],
    ['name["a"]', "1:5: found no matching overload for '_[_]' applied to '(string, string)'"],
    ['true &&\n name', "2:2: expected type 'bool' but found 'string'"],
    ['has(name)', '1:4: invalid argument to has() macro'],
  ])('%s', (expression, error) => {
    expect(environment.compile(expression)).toMatchObject({
      error: expect.stringContaining(`ERROR: <input>:${error}\n | `),
    });
  });
});
