//! Forgetting does not work against keeping. With the gradients f and r of the forget and of the retain term:
//!
//!     direction = f + r - min(0, <f, r>) / max(<r, r>, floor) * r
use lethe::{Call, Failure, Parameters, Progress, Result, SampleSet, Strategy, Updater};

struct MyMethod {
    /// The manifest's first parameter: its type, range and default are the host's work.
    floor: f64,
}

impl Strategy for MyMethod {
    fn new(parameters: &Parameters<'_>) -> Result<Self> {
        Ok(MyMethod { floor: parameters.float(0)? })
    }
}

impl Updater for MyMethod {
    const COMBINES: bool = true;

    fn combine(&mut self, _: Progress, call: Call<'_>) -> Result<()> {
        let terms = call.step_terms()?;
        let of = |set| terms.iter().find(|term| term.set == set);
        let (f, r) = match (of(SampleSet::FORGET), of(SampleSet::RETAIN)) {
            (Some(f), Some(r)) if terms.len() == 2 => (&f.gradients, &r.gradients),
            _ => return Err(Failure::new("my-method joins a forget and a retain term, no others")),
        };
        let along = call.dot(r, r)?.clamp(Some(self.floor), None)?;
        let share = call.dot(f, r)?.clamp(None, Some(0.0))?.div(along)?;
        call.set_direction(&call.axpy(f, share.neg()?.plus(1.0)?, r)?)
    }
}

lethe::plugin!("org.example.my-method", "0.1.0", updater MyMethod, "org.example.my-method");
lethe::manifest!(include_str!("manifest.json"));
