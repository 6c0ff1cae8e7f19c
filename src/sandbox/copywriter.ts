export const copyFor = (inputs: Readonly<Record<string, unknown>>): string => `${String(inputs['product'])}!`;
