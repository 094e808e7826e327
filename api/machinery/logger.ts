/** Structured logs: a constant message and key/value pairs, never built strings. */

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

const LEVELS: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug'];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Takes one finished line without its newline. */
  readonly write: (line: string) => void;
  /** Time for the line's stamp, epoch milliseconds. */
  readonly now: () => number;
  readonly fields?: LogFields;
}

/** A logger that writes `TIME LEVEL message key=value ...` lines. */
export function createLogger(options: LoggerOptions): Logger {
  const threshold = LEVELS.indexOf(options.level);
  const log =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (LEVELS.indexOf(level) > threshold) return;
      const all = { ...options.fields, ...fields };
      const pairs = Object.entries(all).map(([key, value]) => ` ${key}=${formatField(value)}`);
      const time = new Date(options.now()).toISOString();
      options.write(`${time} ${level.toUpperCase().padEnd(5)} ${message}${pairs.join('')}`);
    };
  return {
    error: log('error'),
    warn: log('warn'),
    info: log('info'),
    debug: log('debug'),
    with: (fields) => createLogger({ ...options, fields: { ...options.fields, ...fields } }),
  };
}

/** A logger that drops everything. */
export const silentLogger: Logger = createLogger({
  level: 'silent',
  write: () => {},
  now: () => 0,
});

function formatField(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message);
  if (typeof value === 'string') return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

/** True for a name `--log-level` takes. */
export function isLogLevel(text: string): text is LogLevel {
  return LEVELS.includes(text as LogLevel);
}

/** A logger that tells of everything as of a detail while `isOver()`: what fails then fails because of the end. */
export function quietWhen(isOver: () => boolean, logger: Logger): Logger {
  const log =
    (level: 'error' | 'warn' | 'info') =>
    (message: string, fields?: LogFields): void =>
      logger[isOver() ? 'debug' : level](message, fields);
  return {
    error: log('error'),
    warn: log('warn'),
    info: log('info'),
    debug: (message, fields) => logger.debug(message, fields),
    with: (fields) => quietWhen(isOver, logger.with(fields)),
  };
}
