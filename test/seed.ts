import fc from 'fast-check';

// The same cases on every machine, so that a change is what turns a test red. FC_SEED=$RANDOM looks for new ones.
fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? 1) });
