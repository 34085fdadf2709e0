/** What others wrote, without what could steer a terminal: control and format characters become spaces. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|\p{Cs}|\u2028|\u2029/gu, ' ');
}
