/** Whether tests that repeat something at random do so often: `npm run test:all` wants that, and `npm test` does not. */
export const long = Boolean(process.env['BINFMT_TEST_LONG']);
