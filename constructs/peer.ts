import { Construct } from 'constructs';
import { parseInput } from '../src/topology/input.ts';
import { toId } from '../src/topology/names.ts';
import { fqdnSchema, type Peer as PeerDeclaration, peerSchema } from '../src/topology/schema.ts';
import { readDeclaredFile, refuseTokens } from './input.ts';

export interface PeerProps {
  /**
   * Its id in the topology.
   * @default the host name
   */
  readonly peerId?: string;
  /**
   * PEM file of the request that was generated on the appliance (31-35); the key stays there.
   * @default the key is generated here and is part of the upload bundle
   */
  readonly requestFile?: string;
}

/** One appliance of a cluster. Made by `cluster.addPeer`. */
export class Peer extends Construct {
  readonly fqdn: string;
  readonly declaration: PeerDeclaration;

  constructor(scope: Construct, fqdn: string, props: PeerProps) {
    super(scope, fqdn);
    refuseTokens(this, { fqdn, ...props });
    this.fqdn = parseInput(fqdnSchema, fqdn, `${this.node.path}: fqdn`);
    const [hostName = '', ...domain] = fqdn.split('.');
    const { requestFile } = props;
    const fix = `generate the request on ${fqdn} and download it there, or leave requestFile out to have the key generated here`;
    const request =
      requestFile === undefined ? {} : { request: readDeclaredFile(this, 'requestFile', requestFile, fix) };
    const declaration = { id: props.peerId ?? toId(hostName), hostName, domain: domain.join('.'), ...request };
    this.declaration = parseInput(peerSchema, declaration, this.node.path);
  }
}
