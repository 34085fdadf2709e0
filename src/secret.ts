import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** Holds what must not be printed. Logging, inspecting or serializing it shows `[redacted]`; only `reveal()` gives the value. */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
