//! Only the weights that the forget set pulls at may move:
//!
//!     score_k = sum over batches b of D_f of  n_b * | d/d theta_k  mean over b of CE |
use lethe::{Call, KeptTensor, Mask, Parameters, Result, Strategy, Tensor, Walk};

struct MyMethod {
    /// Of each parameter; kept tensors outlive the callbacks.
    sums: Vec<KeptTensor>,
}

impl Strategy for MyMethod {
    fn new(_: &Parameters<'_>) -> Result<Self> {
        Ok(MyMethod { sums: Vec::new() })
    }
}

impl Mask for MyMethod {
    fn begin<'c>(&mut self, parameters: &[Tensor<'c>], _: &mut Walk, _: Call<'c>) -> Result<()> {
        self.sums = parameters.iter().map(|theta| theta.detach()?.zeros_like()?.keep()).collect::<Result<_>>()?;
        Ok(())
    }

    fn accumulate<'c>(&mut self, gradients: &[Option<Tensor<'c>>], count: i64, call: Call<'c>) -> Result<()> {
        for (sum, gradient) in self.sums.iter().zip(gradients) {
            if let Some(gradient) = gradient {
                sum.tensor(call).add_scaled(count as f64, gradient.abs()?)?;
            }
        }
        Ok(())
    }

    fn scores<'c>(&mut self, call: Call<'c>) -> Result<Vec<Tensor<'c>>> {
        Ok(self.sums.iter().map(|sum| sum.tensor(call)).collect())
    }
}

lethe::plugin!("org.example.my-method", "0.1.0", mask MyMethod, "org.example.my-method");
lethe::manifest!(include_str!("manifest.json"));
