const copies: Readonly<Record<string, (product: string) => string>> = {
  neutral: (product) =>
    `**${product}**: made well, described briefly. It does what it should and leaves out what it should not.`,
  friendly: (product) =>
    `Say hello to **${product}**! 🎉 It is the kind of thing you did not know you were missing. Try it for a week: ` +
    'we think you will keep it. Versprochen, auch für Köln und Umgebung.',
  formal: (product) =>
    `We have the honour of presenting **${product}**. Discerning customers will appreciate its quality. 品質第一。`,
};

/** A few lines about a product, in the tone asked for. */
export function copyFor(inputs: Readonly<Record<string, unknown>>, product: string): string {
  const write = copies[String(inputs['tone'])] ?? copies['neutral'];
  return write?.(product === '' ? 'It' : product) ?? '';
}
