//! How sure a model is of the true class, set by set:
//!
//!     confidence(D) = mean over D of  exp(-CE(theta; x, y))
use lethe::{
    Call, Direction, Failure, MeasuredBatch, MeasuredModel, Metric, MetricResult, Parameters, Result, SampleSet, Strategy,
};

struct MyMethod {
    /// Of each set that was shown: its sum and how many samples.
    sums: Vec<(SampleSet, f64, i64)>,
}

impl Strategy for MyMethod {
    fn new(_: &Parameters<'_>) -> Result<Self> {
        Ok(MyMethod { sums: Vec::new() })
    }
}

impl Metric for MyMethod {
    fn begin<'c>(&mut self, _: &MeasuredModel<'c>, _: Call<'c>) -> Result<()> {
        self.sums.clear();
        Ok(())
    }

    fn update<'c>(&mut self, batch: &MeasuredBatch<'c>, _: Call<'c>) -> Result<()> {
        let losses = batch.losses.ok_or_else(|| Failure::new("there are no losses"))?.values()?;
        if self.sums.last().map_or(true, |(set, _, _)| *set != batch.set) {
            self.sums.push((batch.set, 0.0, 0));
        }
        if let Some((_, sum, count)) = self.sums.last_mut() {
            *sum += losses.iter().map(|loss| (-loss).exp()).sum::<f64>();
            *count += batch.count;
        }
        Ok(())
    }

    fn results(&mut self, _: Call<'_>) -> Result<Vec<MetricResult>> {
        let result = |(set, sum, count): &(SampleSet, f64, i64)| MetricResult {
            samples: *count,
            ..MetricResult::new("confidence", sum / *count as f64, *set, Direction::Retrained)
        };
        Ok(self.sums.iter().map(result).collect())
    }
}

lethe::plugin!("org.example.my-method", "0.1.0", metric MyMethod, "org.example.my-method");
lethe::manifest!(include_str!("manifest.json"));
