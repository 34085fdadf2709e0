import { describe, expect, it } from 'vitest';
import { basicConstraints, subjectAlternativeName } from '../../../x509/extensions.ts';
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

  const openssl = (commonName: string, names: readonly string[]) => {
    const self = holder(commonName);
    const extensions = [
      basicConstraints({ authority: true }),
      ...(names.length > 0 ? [subjectAlternativeName(names)] : []),
    ];
    return { pem: authorityCertificate(self, self, { extensions }), key: keyPem(self.key) };
  };

  it('knows it without the key too, by the name of a host', async () => {
    for (const names of [['vcs1.example.com'], []]) {
      const { pem } = openssl('vcs1.example.com', names);
      for (const others of [{}, { 'ca.pem': m.rootPem + m.issuingPem }])
        expect(found(await files({ 'server.pem': pem, ...others }))[0]).toBe(
          'CERTIFICATE_SELF_SIGNED D10 error server.pem',
        );
    }
  });

  it.each(['vcs1', 'vcse', 'expe-2'])('knows it with the key by a host name without a domain, %s', async (host) => {
    const { pem, key } = openssl(host, []);
    expect(found(await files({ 'server.pem': pem, 'privatekey.pem': key }))[0]).toBe(
      'CERTIFICATE_SELF_SIGNED D10 error server.pem',
    );
  });

  it.each(['Contact Person', 'LAB-CA1', 'ca.example.com', 'root2.example.com'])(
    'accepts the root of an authority (72): %s',
    async (commonName) => {
      const { pem, key } = openssl(commonName, []);
      expect(found(await files({ 'ca.pem': pem }))).toEqual([]);
      expect(found(await files({ 'ca.pem': pem, 'ca.key': key }))).toEqual([]);
    },
  );

  it('accepts those of Unified CM on a trust list, in one file or several', async () => {
    const nodes = ['cucm1.example.com', 'cucm2.example.com'].map((node) => {
      const self = holder(node);
      return peerCertificate(self, self, { names: [node] });
    });
    expect(found(await files({ 'trust.pem': nodes.join('') }))).toEqual([]);
    const apart = Object.fromEntries(nodes.map((pem, index) => [`cucm${index}.pem`, pem]));
    expect(found(await files({ 'root.pem': m.rootPem, ...apart }))).toEqual([]);
  });

  it('refuses one that is presented', () => {
    const presented = served('vcs1.example.com:5061', names, peerCertificate(peer, peer, { names }));
    expect(found([presented])).toEqual(['CERTIFICATE_SELF_SIGNED D10 error vcs1.example.com:5061']);
  });

  it('accepts roots, with their keys beside them too', async () => {
    expect(found(await files({ ...bundle(m), 'expe1/ca.key': keyPem(m.root.key) }))).toEqual([]);
  });
});
