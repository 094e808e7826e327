/** Values of options, read from what was typed. All throw commander's InvalidArgumentError. */
import { InvalidArgumentError } from 'commander';
import { parseDurationMs } from '../api/machinery/duration.ts';
import { isLogLevel, type LogLevel } from '../api/machinery/logger.ts';
import { tryParseQuantity, wholeUnits } from '../api/machinery/quantity.ts';

export function wholeNumber(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > max)
      throw new InvalidArgumentError(`must be a whole number up to ${max}`);
    return value;
  };
}

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('must be a positive number');
  return value;
}

export function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < 0) throw new InvalidArgumentError('must be a duration such as 30s, 5m or 0');
  return ms;
}

export function byteQuantity(text: string): number {
  const quantity = tryParseQuantity(text);
  const bytes = quantity === undefined ? 0 : Number(wholeUnits(quantity));
  if (!(bytes > 0)) throw new InvalidArgumentError('must be a quantity of bytes such as 128Mi');
  return bytes;
}

export function commaList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

export function logLevel(text: string): LogLevel {
  if (!isLogLevel(text)) throw new InvalidArgumentError('must be silent, error, warn, info or debug');
  return text;
}
