// Each file in lib is covered by the test of the same name, and by no other. A long test has parts, such as routes.early.ts for routes.ts.
export default (test) => {
  const name = test.replace(/^test\//, '').replace(/\.[a-z]+\.ts$/, '.ts')
  return ['vectors', 'example', 'types', 'app', 'browser', 'hostile', 'docs', 'tls'].some((folder) => name.startsWith(`${folder}/`)) || ['matrix.ts', 'wire.ts', 'consumers.ts', 'imports.ts', 'release.ts', 'hosts.ts'].includes(name)
    ? null
    : [`lib/${name}`]
}
