/** Finds an arithmetical expression (`+ - * /` and brackets) in a text and its value. */
export function calculate(text: string): { readonly expression: string; readonly value: number } | undefined {
  const found = text.match(/-?[(\d][\d\s.()+*/-]*[+*/-][\d\s.()+*/-]*[)\d]/)?.[0].trim();
  if (found === undefined || /^\d{4}-\d\d-\d\d$/.test(found)) return undefined;
  const value = new Expression(found).value();
  return value === undefined || !Number.isFinite(value) ? undefined : { expression: found, value };
}

/** A recursive-descent reader: sum → product → factor. */
class Expression {
  readonly #tokens: string[];

  constructor(text: string) {
    this.#tokens = text.match(/\d+(?:\.\d+)?|[-+*/()]/g) ?? [];
  }

  /** Undefined when the whole is no expression. */
  value(): number | undefined {
    const value = this.#sum();
    return this.#tokens.length === 0 && !Number.isNaN(value) ? value : undefined;
  }

  #sum(): number {
    let value = this.#product();
    for (let sign = this.#take('+', '-'); sign !== undefined; sign = this.#take('+', '-')) {
      const next = this.#product();
      value = sign === '+' ? value + next : value - next;
    }
    return value;
  }

  #product(): number {
    let value = this.#factor();
    for (let sign = this.#take('*', '/'); sign !== undefined; sign = this.#take('*', '/')) {
      const next = this.#factor();
      value = sign === '*' ? value * next : value / next;
    }
    return value;
  }

  #factor(): number {
    if (this.#take('-') !== undefined) return -this.#factor();
    if (this.#take('(') !== undefined) {
      const value = this.#sum();
      return this.#take(')') === undefined ? Number.NaN : value;
    }
    const number = this.#tokens.shift();
    return number === undefined || !/^\d/.test(number) ? Number.NaN : Number(number);
  }

  #take(...wanted: readonly string[]): string | undefined {
    const next = this.#tokens[0];
    return next !== undefined && wanted.includes(next) ? this.#tokens.shift() : undefined;
  }
}
