// The arrows between rooms that architecture allows; everything else is refused by `npm run lint`.
const rooms = {
  topology: [],
  x509: [],
  resources: ['topology'],
  authority: ['topology', 'x509'],
  trust: ['topology', 'x509'],
  store: ['authority', 'topology', 'x509'],
  verify: ['topology', 'trust', 'x509'],
  delivery: ['topology', 'trust', 'verify', 'x509'],
};

const tests = '(\\.test\\.ts$|/testing/)';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(([room, allowed]) => ({
      name: `src/${room} imports ${allowed.join(', ') || 'nothing of ours'}`,
      severity: 'error',
      from: { path: `^src/${room}/`, pathNot: tests },
      to: {
        path: '^(src|constructs|operator)/',
        pathNot: `^src/(${[room, ...allowed].join('|')})/|^src/(errors|secret)\\.ts$`,
      },
    })),
    {
      name: 'src imports neither constructs nor, but for the operator command, operator',
      severity: 'error',
      from: { path: '^src/', pathNot: `${tests}|^src/cli/commands/operator\\.ts$` },
      to: { path: '^(constructs|operator)/' },
    },
    {
      name: 'only constructs imports cdktf',
      severity: 'error',
      from: { path: '^(src|operator)/' },
      to: { path: 'node_modules/(cdktf|cdktn|constructs|@cdktf)/' },
    },
    {
      name: 'only operator imports client-node',
      severity: 'error',
      from: { path: '^(src|constructs)/' },
      to: { path: 'node_modules/@kubernetes/' },
    },
    {
      name: 'constructs imports topology, resources, authority',
      severity: 'error',
      from: { path: '^constructs/', pathNot: tests },
      to: { path: '^(src|operator)/', pathNot: '^src/(topology|resources|authority)/|^src/errors\\.ts$' },
    },
    {
      name: 'operator imports every room but cli',
      severity: 'error',
      from: { path: '^operator/', pathNot: tests },
      to: { path: '^(src/cli|constructs)/' },
    },
    {
      name: 'no cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'shipped code imports no test and no development dependency',
      severity: 'error',
      from: { path: '^(src|constructs|operator)/', pathNot: tests },
      to: { path: tests },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
