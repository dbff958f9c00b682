//! Descent on what is kept, ascent on what is forgotten:
//!
//!     L(theta) = mean over D_r of CE(theta; x, y)  -  ascent * mean over D_f of CE(theta; x, y)
use lethe::{Call, Objective, Parameters, Result, SampleSet, Step, Strategy, Term};

struct MyMethod {
    /// The manifest's first parameter: its type, range and default are the host's work.
    ascent: f64,
}

impl Strategy for MyMethod {
    const TUNABLE: bool = true;

    fn new(parameters: &Parameters<'_>) -> Result<Self> {
        Ok(MyMethod { ascent: parameters.float(0)? })
    }
}

impl Objective for MyMethod {
    fn terms<'c>(&mut self, step: &Step<'c>, call: Call<'c>) -> Result<Vec<Term<'c>>> {
        let mut terms = Vec::new();
        for batch in &step.batches {
            let (losses, _) = call.batch_losses(step.model, batch)?;
            let both = [(SampleSet::FORGET, "forget", -self.ascent), (SampleSet::RETAIN, "retain", 1.0)];
            for (set, name, coefficient) in both {
                if step.wants(set, batch) {
                    let mut term = Term::over(set, name, coefficient, batch.rows(set, losses)?);
                    term.indices = Some(batch.rows(set, batch.indices)?);
                    terms.push(term);
                }
            }
        }
        Ok(terms)
    }
}

lethe::plugin!("org.example.my-method", "0.1.0", objective MyMethod, "org.example.my-method");
lethe::manifest!(include_str!("manifest.json"));
