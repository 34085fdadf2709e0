/** The folder that holds kube-apiserver and etcd, or undefined. Builds nothing. */
export function findBinaries(): string | undefined;
/** As findBinaries, but builds what is missing where Go is installed. Throws where a build fails. */
export function ensureBinaries(): string | undefined;
