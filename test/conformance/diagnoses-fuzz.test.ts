import { expect, it } from 'vitest';
import { findRelease } from '../../src/topology/releases/releases.ts';
import { examine } from '../../src/verify/diagnosis/examine.ts';
import { bundle, files, log, material, now, request, served } from '../../src/verify/diagnosis/testing/evidence.ts';
import { mutate, pick, randomOf } from '../support/mutate.ts';

/** FUZZ_CASES says how many bundles to try, FUZZ_SEED with which to begin: the seed of a failure with one case repeats it. */
const cases = Number(process.env.FUZZ_CASES ?? 1000);
const firstSeed = Number(process.env.FUZZ_SEED ?? 1);

it(`${cases} bundles with mutated files end in findings`, { timeout: 3_600_000 }, async () => {
  const m = material();
  const healthy: Record<string, string> = {
    ...bundle(m, 'expe1'),
    ...bundle(m, 'expe2'),
    'expe1/request.csr': await request(m.peer.key, 'expe1.example.com', ['expe1.example.com']),
  };
  const paths = Object.keys(healthy);
  const contents = Object.values(healthy).map((text) => Buffer.from(text));
  let withFindings = 0;
  for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
    const random = randomOf(seed);
    const mutated: Record<string, string | Buffer> = { ...healthy };
    for (let count = 1 + random(3); count > 0; count--)
      mutated[pick(paths, random)] = mutate(pick(contents, random), contents, random);
    const artefacts = await files(mutated);
    const certificates = artefacts.flatMap((one) => (one.kind === 'file' ? one.contents.items : []));
    const [presented] = certificates.flatMap((item) => (item.kind === 'certificate' ? [item.certificate] : []));
    const probe = served('expe1.example.com:5061', ['expe1.example.com']);
    if (probe.kind === 'served' && presented)
      artefacts.push({ ...probe, served: { ...probe.served, chain: [presented] } });
    artefacts.push(log('a.log', mutate(Buffer.from('Detail="CRL has expired"\n'), contents, random).toString()));
    const release = findRelease(pick(['X7.2', 'X8.7', 'X14.3', 'X15.5'], random));
    try {
      const { findings, notChecked } = examine({ artefacts, now, ...(random(2) === 0 && release && { release }) });
      expect(notChecked.every((line) => line.length > 0)).toBe(true);
      if (findings.length > 0) withFindings += 1;
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
  expect(withFindings).toBeGreaterThan(cases / 2);
});
