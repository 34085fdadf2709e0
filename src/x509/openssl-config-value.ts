/**
 * A text as a value in a configuration file of OpenSSL (config(5)): in quotes where anything in it could be a variable, a
 * comment, a quote, an escape or a blank that is cut off. It is one line: what has line breaks cannot be written there.
 */
export function opensslConfigValue(text: string): string {
  return PLAIN.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

const PLAIN = /^[\w.:/@+-]+( [\w.:/@+-]+)*$/;
