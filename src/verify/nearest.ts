/** Of `candidates` the one that takes the fewest edits to become `wanted`, where they are fewer than a third of it (D11). */
export function nearest(wanted: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(wanted.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance * 3 < wanted.length ? best.candidate : undefined;
}

/** Insertions, deletions and replacements of a character (Levenshtein). */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, character] of [...from].entries()) {
    let diagonal = index;
    const next = [index + 1];
    for (const [column, other] of [...to].entries()) {
      const above = row[column + 1] ?? 0;
      const left = next[column] ?? 0;
      next.push(Math.min(above + 1, left + 1, diagonal + (character === other ? 0 : 1)));
      diagonal = above;
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
