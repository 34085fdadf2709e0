import { describe, expect, it } from 'vitest';
import {
  authorityCertificate,
  bundle,
  files,
  found,
  holder,
  keyPem,
  material,
  peerCertificate,
  served,
} from '../testing/evidence.ts';

const m = material();
const peer = holder('vcs1.example.com');
const names = ['vcs1.example.com'];

describe('D10, requirements 30 and 78: self-signed certificates of peers', () => {
  it('refuses one; on X7.2 it warns', async () => {
    const artefacts = await files({ 'server.pem': peerCertificate(peer, peer, { names }) });
    expect(found(artefacts)).toEqual(['CERTIFICATE_SELF_SIGNED D10 error server.pem']);
    expect(found(artefacts, 'X7.2')).toContain('CERTIFICATE_SELF_SIGNED D10 warning server.pem');
  });

  it('knows what openssl req -x509 makes, which calls itself an authority, by the key beside it', async () => {
    const certificate = authorityCertificate(peer);
    const artefacts = await files({ 'server.pem': certificate, 'privatekey.pem': keyPem(peer.key) });
    expect(found(artefacts)[0]).toBe('CERTIFICATE_SELF_SIGNED D10 error server.pem');
    expect(found(await files({ 'ca.pem': certificate }))).toEqual([]);
  });

  it('refuses one that is presented', () => {
    const presented = served('vcs1.example.com:5061', names, peerCertificate(peer, peer, { names }));
    expect(found([presented])).toEqual(['CERTIFICATE_SELF_SIGNED D10 error vcs1.example.com:5061']);
  });

  it('accepts roots, with their keys beside them too', async () => {
    expect(found(await files({ ...bundle(m), 'expe1/ca.key': keyPem(m.root.key) }))).toEqual([]);
  });
});
