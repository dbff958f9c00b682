//! Samples with a large loss count more:
//!
//!     w_i = exp(loss_i / temperature) / sum over the term's samples of exp(loss_j / temperature)
use lethe::{Call, Parameters, Result, Reweighter, SeenTerm, Strategy, Tensor};

struct MyMethod {
    /// The manifest's first parameter: its type, range and default are the host's work.
    temperature: f64,
}

impl Strategy for MyMethod {
    const TUNABLE: bool = true;

    fn new(parameters: &Parameters<'_>) -> Result<Self> {
        Ok(MyMethod { temperature: parameters.float(0)? })
    }
}

impl Reweighter for MyMethod {
    fn weights<'c>(&mut self, term: &SeenTerm<'c>, _: Call<'c>) -> Result<Option<Tensor<'c>>> {
        Ok(Some(term.losses.over(self.temperature)?.softmax(0)?))
    }
}

lethe::plugin!("org.example.my-method", "0.1.0", reweighter MyMethod, "org.example.my-method");
lethe::manifest!(include_str!("manifest.json"));
