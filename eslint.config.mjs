import neostandard from 'neostandard'

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
    // An augmentation repeats all type parameters of what it augments.
    files: ['types/fastify.ts'],
    rules: { '@typescript-eslint/no-unused-vars': 'off' }
  }
]
