//! One long step up the forget loss: the forget set's task vector is subtracted, to first order.
//!
//!     theta_u = theta_o + rate * d/d theta  mean over D_f of CE(theta_o; x, y)          running statistics
use lethe::{Call, DataPass, Forward, Model, Parameters, Procedure, Result, SampleSet, Strategy};

struct MyMethod {
    /// The manifest's parameters, in its order: types, ranges and defaults are the host's work.
    rate: f64,
    batch: i64,
}

impl Strategy for MyMethod {
    fn new(parameters: &Parameters<'_>) -> Result<Self> {
        Ok(MyMethod { rate: parameters.float(0)?, batch: parameters.int(1)? })
    }
}

impl Procedure for MyMethod {
    fn run<'c>(&mut self, model: Model<'c>, call: Call<'c>) -> Result<()> {
        let theta = model.parameters()?;
        let sums = theta.iter().map(|theta| theta.detach()?.zeros_like()).collect::<Result<Vec<_>>>()?;
        DataPass::new(SampleSet::FORGET, self.batch, call)?.for_each(call, |samples, call| {
            let logits = model.forward(samples.inputs, Forward::Evaluating)?;
            let loss = call.losses(logits, samples.labels)?.sum()?;
            for (sum, gradient) in sums.iter().zip(call.gradient(loss, &theta, 0)?) {
                if let Some(gradient) = gradient {
                    sum.add_scaled(1.0, gradient)?;
                }
            }
            Ok(())
        })?;
        let step = self.rate / call.task()?.forget_count as f64;
        call.without_graph(|| theta.iter().zip(&sums).try_for_each(|(theta, sum)| theta.add_scaled(step, *sum)))
    }
}

lethe::plugin!("org.example.my-method", "0.1.0", procedure MyMethod, "org.example.my-method");
lethe::manifest!(include_str!("manifest.json"));
