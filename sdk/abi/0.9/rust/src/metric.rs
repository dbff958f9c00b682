// SPDX-License-Identifier: Apache-2.0
//! A number that a report has of every model.

use crate::{call::*, failure::*, ffi::*, model::*, step::*, strategy::Strategy, tensor::Tensor};
use std::ffi::CString;

/// The model that is measured.
pub struct MeasuredModel<'c> {
    /// Always with running statistics and without dropout.
    pub model: Model<'c>,
    /// "original", "retrained" or "unlearned".
    pub name: String,
    /// The sets that will be shown, a bit set.
    pub sets: SampleSet,
    /// Number of classes C of the data.
    pub classes: i64,
}

impl<'c> MeasuredModel<'c> {
    pub(crate) unsafe fn new(source: *const lethe_metric_begin, call: Call<'c>) -> Self {
        let seen = snapshot(source, lethe_metric_begin::ZERO);
        MeasuredModel {
            model: Model::new(seen.model, call),
            name: text(seen.name),
            sets: SampleSet(seen.sets),
            classes: seen.classes,
        }
    }
}

/// One batch of one set, in dataset order. What the manifest's "sees" does not list is none; nothing has a graph.
pub struct MeasuredBatch<'c> {
    /// The set it is of; `SampleSet::NONE` for samples that the model drew.
    pub set: SampleSet,
    /// n > 0.
    pub count: i64,
    /// Int64 [n], the true labels, or the class that each sample was drawn as.
    pub labels: Option<Tensor<'c>>,
    /// Int64 [n], position in the data that the set is of; none for drawn samples.
    pub indices: Option<Tensor<'c>>,
    /// "outputs", classification: float32 [n, C] logits.
    pub outputs: Option<Tensor<'c>>,
    /// "losses": float32 [n].
    pub losses: Option<Tensor<'c>>,
    /// Int64 [n], beside the losses of diffusion.
    pub timesteps: Option<Tensor<'c>>,
    /// "inputs": float [n, C, H, W].
    pub inputs: Option<Tensor<'c>>,
    /// "samples", diffusion: float [n, C, H, W] in [-1, 1], drawn by the model.
    pub samples: Option<Tensor<'c>>,
}

impl<'c> MeasuredBatch<'c> {
    pub(crate) unsafe fn new(source: *const lethe_metric_in, call: Call<'c>) -> Self {
        let seen = snapshot(source, lethe_metric_in::ZERO);
        MeasuredBatch {
            set: SampleSet(seen.set),
            count: seen.count,
            labels: call.optional(seen.labels),
            indices: call.optional(seen.indices),
            outputs: call.optional(seen.outputs),
            losses: call.optional(seen.losses),
            timesteps: call.optional(seen.timesteps),
            inputs: call.optional(seen.inputs),
            samples: call.optional(seen.samples),
        }
    }
}

/// Which way of a number is good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Direction {
    /// None: it says what is, not how good it is.
    Neutral = 0,
    /// More is better.
    Higher = 1,
    /// Less is better.
    Lower = 2,
    /// As near to the retrained model's as can be.
    Retrained = 3,
}

/// A number for the report.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricResult {
    /// [a-z][a-z0-9_-]*, unique with `set`.
    pub name: String,
    /// Finite; what is not there is not reported.
    pub value: f64,
    /// The set it was measured on; `SampleSet::NONE` for several.
    pub set: SampleSet,
    /// Which way is good.
    pub direction: Direction,
    /// "%", or empty.
    pub unit: String,
    /// What it depends on, "bins=15"; none: the parameters.
    pub protocol: Option<String>,
    /// The ends of a 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// How many samples it was measured on; 0 where that says nothing.
    pub samples: i64,
}

impl MetricResult {
    /// A number of a set; the other fields say nothing.
    pub fn new(name: &str, value: f64, set: SampleSet, direction: Direction) -> Self {
        MetricResult {
            name: name.into(),
            value,
            set,
            direction,
            unit: String::new(),
            protocol: None,
            interval: None,
            samples: 0,
        }
    }

    pub(crate) unsafe fn report(&self, sink: *const lethe_result_sink, call: Call<'_>) -> Result<()> {
        let report = offered(snapshot(sink, lethe_result_sink::ZERO).report, "a sink for results")?;
        let c = |text: &str| CString::new(text).map_err(|_| Failure::new("a result's texts have no zero in them"));
        let (name, unit) = (c(&self.name)?, c(&self.unit)?);
        let protocol = self.protocol.as_deref().map(c).transpose()?;
        let (lower, upper) = self.interval.unwrap_or((0.0, 0.0));
        let result = lethe_result {
            size: core::mem::size_of::<lethe_result>() as u32,
            direction: self.direction as u32,
            name: name.as_ptr() as *const c_char,
            value: self.value,
            unit: unit.as_ptr() as *const c_char,
            protocol: protocol.as_ref().map_or(core::ptr::null(), |text| text.as_ptr() as *const c_char),
            set: self.set.0,
            flags: if self.interval.is_some() { RESULT_INTERVAL } else { 0 },
            lower,
            upper,
            samples: self.samples,
        };
        ask(|error| report(call.context(), &result, error))
    }
}

/// Role `lethe.metric/1`: measures a model while its sets pass through it. It changes nothing.
pub trait Metric: Strategy {
    /// Starts to measure a model. Forgets what was shown before.
    fn begin<'c>(&mut self, model: &MeasuredModel<'c>, call: Call<'c>) -> Result<()>;
    /// Is shown a batch. `Tensor::values` waits for the device: once a batch is fine.
    fn update<'c>(&mut self, batch: &MeasuredBatch<'c>, call: Call<'c>) -> Result<()>;
    /// Its numbers, at least one where it was shown anything.
    fn results(&mut self, call: Call<'_>) -> Result<Vec<MetricResult>>;
}
