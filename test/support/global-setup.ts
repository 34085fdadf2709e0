import { ensureBinaries } from '../envtest/build.mjs';

/** Has the control plane's binaries ready before the first system test; each test file starts its own control plane. */
export function setup(): void {
  if (ensureBinaries() !== undefined) return;
  const missing = 'control-plane tests need Go or KUBEBUILDER_ASSETS';
  if (process.env.CI === 'true') throw new Error(missing);
  process.stderr.write(`skipped: ${missing}\n`);
}
