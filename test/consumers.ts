/** Projects that install the packed package: by import and by require, in JavaScript and under each supported TypeScript. */

import t from 'tap'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(__dirname, '..')
const npm = async (args: string[], cwd: string): Promise<string> =>
  (await run('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'], { cwd, env: { ...process.env, NODE_OPTIONS: '' } })).stdout

/** From TypeScript 7 on the compiler is a program of its own, which its launcher finds. */
async function compiler (directory: string): Promise<[command: string, ...args: string[]]> {
  const launcher = join(directory, 'lib/getExePath.js')
  return existsSync(launcher) ? [(await import(launcher)).default()] : [process.execPath, join(directory, 'bin/tsc')]
}

t.test('a project that installs the package', async (t) => {
  const project = mkdtempSync(join(tmpdir(), 'consumer-'))
  t.teardown(() => { rmSync(project, { recursive: true, force: true }) })
  const packed = JSON.parse(await npm(['pack', '--json', '--pack-destination', project], root))
  const [{ filename, files }] = Array.isArray(packed) ? packed : Object.values<any>(packed)
  const paths: string[] = files.map(({ path }: { path: string }) => path)
  t.strictSame(paths.filter((path) => !path.startsWith('dist/')).sort(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  t.notOk(paths.some((path) => /\/(test|example)\//.test(path)))

  for (const [checker, args] of [['publint', ['run', '--strict']], ['attw', ['--profile', 'node16']]] as const) {
    const { stdout } = await run(process.execPath, [join(root, 'node_modules/.bin', checker), ...args, join(project, filename)], { env: { ...process.env, NODE_OPTIONS: '' } })
      .catch((error) => { throw new Error(`${String(error.stdout)}${String(error.stderr)}`) })
    t.notMatch(stdout, /Suggestions|Warnings|Errors/, checker)
  }

  cpSync(join(root, 'test/consumers'), project, { recursive: true })
  const { devDependencies, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({
    private: true,
    dependencies: {
      'fastify-auth-schemes': `file:./${filename}`,
      fastify: devDependencies.fastify,
      '@sinclair/typebox': dependencies['@sinclair/typebox'],
      '@types/node': devDependencies['@types/node']
    }
  }))
  await npm(['install'], project)

  for (const file of ['import.mjs', 'require.cjs']) {
    const { stdout } = await run(process.execPath, [file], { cwd: project, env: { ...process.env, NODE_OPTIONS: '' } })
    t.equal(stdout, '401 Bearer\n200 {"name":"good"}\n', file)
  }
  t.notOk(existsSync(join(project, 'node_modules/jose')), 'without jose')
  const verifiers = async (output: string): Promise<void> => {
    for (const file of ['verifiers.mjs', 'verifiers.cjs']) {
      const { stdout } = await run(process.execPath, [file], { cwd: project, env: { ...process.env, NODE_OPTIONS: '' } })
      t.equal(stdout, output, file)
    }
  }
  await verifiers('FST_AUTH_BAD_OPTION jwtIssuer: jose is not installed: npm install jose\n')
  for (const typescript of ['typescript-5', 'typescript', 'typescript-7']) {
    const [command, ...args] = await compiler(dirname(require.resolve(`${typescript}/package.json`)))
    const { version } = require(`${typescript}/package.json`)
    for (const config of ['nodenext', 'bundler']) {
      await t.resolves(run(command, [...args, '-p', `tsconfig.${config}.json`], { cwd: project, env: { ...process.env, NODE_OPTIONS: '' } })
        .catch((error) => { throw new Error(`${String(error.stdout)}${String(error.stderr)}${String(error.message)}`) }), `TypeScript ${version}, ${config}`)
    }
  }

  await npm(['install', `jose@${devDependencies.jose}`], project)
  await verifiers('alice\nfunction\n')
})
