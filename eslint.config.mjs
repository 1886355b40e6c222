import neostandard from 'neostandard'

// A pattern of tap's `match`, the second argument, in which [] stands for any array and {} for anything.
const PATTERN = 'CallExpression[callee.property.name=/^(match|notMatch|has|notHas)$/] > *.arguments:nth-child(2)'
const EMPTY = ['ArrayExpression[elements.length=0]', 'ObjectExpression[properties.length=0]']

export default [
  ...neostandard({ ts: true, ignores: ['dist', 'build', '.tap', 'node_modules', 'test/consumers'] }),
  {
    files: ['**/*.ts', '**/*.mts'],
    rules: {
      // A constant and the type of its values share a name.
      '@typescript-eslint/no-redeclare': 'off'
    }
  },
  {
    files: ['lib/**', 'types/**', 'example/**', 'docs/**', 'scripts/**', 'mutation/**'],
    // A command that users copy stands in one line.
    rules: { '@stylistic/max-len': ['error', { code: 120, ignoreTemplateLiterals: true }] }
  },
  {
    // An augmentation repeats all type parameters of what it augments.
    files: ['types/fastify.ts'],
    rules: { '@typescript-eslint/no-unused-vars': 'off' }
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', {
        selector: EMPTY.flatMap((empty) => [`${PATTERN} ${empty}`, `${PATTERN}:matches(${empty})`]).join(', '),
        message: 'In a pattern [] and {} accept anything: compare with t.strictSame.'
      }]
    }
  }
]
