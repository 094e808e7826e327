/** Differences between what two controllers made of the same scenario, told line by line. */
import type { Picture, Portrait } from './normalise.ts';

/** Lines `title: -line` for what only `expected` has, `+line` for what only `actual` has. */
export function differences(expected: Picture, actual: Picture): string[] {
  const titles = [...new Set([...expected.objects, ...actual.objects].map(({ title }) => title))].sort();
  return [
    ...titles.flatMap((title) => compareKindred(title, named(expected, title), named(actual, title))),
    ...compareLines('Event', expected.events, actual.events),
  ];
}

function named({ objects }: Picture, title: string): Portrait[] {
  return objects.filter((object) => object.title === title);
}

/** Objects of one title, generated names being left out, in the order of their lines. */
function compareKindred(title: string, expected: Portrait[], actual: Portrait[]): string[] {
  if (expected.length !== actual.length)
    return [`${title}: there are ${actual.length}, not ${expected.length}`];
  return expected.flatMap(({ lines }, index) => compareLines(title, lines, actual[index]!.lines));
}

function compareLines(title: string, expected: readonly string[], actual: readonly string[]): string[] {
  const only = (these: readonly string[], others: readonly string[]): string[] => {
    const left = [...others];
    return these.filter((line) => {
      const index = left.indexOf(line);
      if (index >= 0) left.splice(index, 1);
      return index < 0;
    });
  };
  return [
    ...only(expected, actual).map((line) => `${title}: -${line}`),
    ...only(actual, expected).map((line) => `${title}: +${line}`),
  ].sort((a, b) => a.replace(/: [-+]/, ': ').localeCompare(b.replace(/: [-+]/, ': ')));
}
