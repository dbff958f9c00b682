// SPDX-License-Identifier: Apache-2.0
//! What a role is shown of a step, and the terms that an objective answers with.

use crate::{call::*, failure::*, ffi::*, model::*, tensor::Tensor};
use std::ffi::CString;

/// Which set samples belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleSet(pub u32);

impl SampleSet {
    /// Of neither set: a penalty.
    pub const NONE: SampleSet = SampleSet(0);
    /// What is to be forgotten.
    pub const FORGET: SampleSet = SampleSet(SET_FORGET);
    /// What is to be kept.
    pub const RETAIN: SampleSet = SampleSet(SET_RETAIN);
    /// Held out; for metrics alone.
    pub const TEST: SampleSet = SampleSet(SET_TEST);
    /// Set aside; for metrics alone.
    pub const VALIDATION: SampleSet = SampleSet(SET_VALIDATION);
}

/// Where the run stands; all counts from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Optimizer steps before this one.
    pub step: i64,
    /// Optimizer steps of the whole run.
    pub steps: i64,
    /// Passes of the schedule before this one.
    pub epoch: i64,
    /// Passes of the whole run.
    pub epochs: i64,
    /// Steps of this epoch before this one.
    pub step_in_epoch: i64,
    /// Steps of this epoch.
    pub steps_in_epoch: i64,
}

impl Progress {
    pub(crate) unsafe fn new(source: *const lethe_progress) -> Self {
        let seen = snapshot(source, lethe_progress::ZERO);
        Progress {
            step: seen.step,
            steps: seen.steps,
            epoch: seen.epoch,
            epochs: seen.epochs,
            step_in_epoch: seen.step_in_epoch,
            steps_in_epoch: seen.steps_in_epoch,
        }
    }
}

/// Samples that go through the model together: first those of the forget set, then those of the retain set.
pub struct Batch<'c> {
    pub(crate) raw: lethe_batch,
    /// Float [n, C, H, W] in [0, 1].
    pub inputs: Tensor<'c>,
    /// Int64 [n], the true labels.
    pub labels: Tensor<'c>,
    /// Int64 [n], positions in the training data.
    pub indices: Tensor<'c>,
}

impl<'c> Batch<'c> {
    pub(crate) fn new(raw: lethe_batch, call: Call<'c>) -> Result<Self> {
        Ok(Batch {
            raw,
            inputs: call.tensor(raw.inputs)?,
            labels: call.tensor(raw.labels)?,
            indices: call.tensor(raw.indices)?,
        })
    }

    /// How many samples of a set there are.
    pub fn count(&self, set: SampleSet) -> i64 {
        if set == SampleSet::FORGET { self.raw.forget_count } else { self.raw.retain_count }
    }

    /// The rows of one set in a tensor of n rows; the tensor itself where all are of that set.
    pub fn rows(&self, set: SampleSet, tensor: Tensor<'c>) -> Result<Tensor<'c>> {
        if self.count(set) == self.raw.forget_count + self.raw.retain_count {
            return Ok(tensor);
        }
        tensor.rows(if set == SampleSet::FORGET { 0 } else { self.raw.forget_count }, self.count(set))
    }
}

/// One step of the run as an objective sees it.
pub struct Step<'c> {
    /// Where the run stands.
    pub progress: Progress,
    /// The model being unlearned.
    pub model: Model<'c>,
    /// What goes through it, one forward pass each.
    pub batches: Vec<Batch<'c>>,
    sets: u32,
}

impl<'c> Step<'c> {
    pub(crate) unsafe fn new(source: *const lethe_objective_in, call: Call<'c>) -> Result<Self> {
        let seen = snapshot(source, lethe_objective_in::ZERO);
        let mut batches = Vec::with_capacity(seen.batch_count as usize);
        for index in 0..seen.batch_count as usize {
            let place = (seen.batches as *const u8).add(index * seen.batch_stride as usize) as *const lethe_batch;
            let mut raw = snapshot(place, lethe_batch::ZERO);
            raw.size = core::mem::size_of::<lethe_batch>() as u32;
            batches.push(Batch::new(raw, call)?);
        }
        let model = Model::new(seen.model, call);
        Ok(Step { progress: Progress::new(seen.progress), model, batches, sets: seen.sets })
    }

    /// Whether a batch has samples of a set whose terms are wanted.
    pub fn wants(&self, set: SampleSet, batch: &Batch<'_>) -> bool {
        self.sets & set.0 != 0 && batch.count(set) > 0
    }
}

/// One term of the loss: `coefficient * sum_i weight_i * importance_i * losses_i`. The weights are the reweighter's, 1/n
/// without one; an objective never reduces over samples.
pub struct Term<'c> {
    /// `[a-z][a-z0-9_-]*`, unique in the step.
    pub name: String,
    /// Which set its samples are of.
    pub set: SampleSet,
    /// Finite.
    pub coefficient: f64,
    /// Float [n], part of the graph.
    pub losses: Option<Tensor<'c>>,
    /// [n]: the task's loss with the true labels, where `losses` is something else.
    pub clean_losses: Option<Tensor<'c>>,
    /// [n], >= 0: multiplies the weights.
    pub importance: Option<Tensor<'c>>,
    /// Int64 [n], for diffusion.
    pub timesteps: Option<Tensor<'c>>,
    /// Int64 [n], positions in the training data.
    pub indices: Option<Tensor<'c>>,
    /// A scalar that is part of the graph, for a term without samples.
    pub penalty: Option<Tensor<'c>>,
    /// Whether the samples' own loss is known: `clean_losses`, else `losses`.
    pub knows_clean_losses: bool,
}

impl<'c> Term<'c> {
    /// A term over samples.
    pub fn over(set: SampleSet, name: &str, coefficient: f64, losses: Tensor<'c>) -> Self {
        Term { losses: Some(losses), ..Term::empty(set, name, coefficient) }
    }

    /// A term without samples: `coefficient * penalty`.
    pub fn penalty(name: &str, coefficient: f64, penalty: Tensor<'c>) -> Self {
        Term { penalty: Some(penalty), ..Term::empty(SampleSet::NONE, name, coefficient) }
    }

    fn empty(set: SampleSet, name: &str, coefficient: f64) -> Self {
        Term {
            name: name.into(),
            set,
            coefficient,
            losses: None,
            clean_losses: None,
            importance: None,
            timesteps: None,
            indices: None,
            penalty: None,
            knows_clean_losses: true,
        }
    }

    pub(crate) unsafe fn add(&self, sink: *const lethe_term_sink, call: Call<'_>) -> Result<()> {
        let add = offered(snapshot(sink, lethe_term_sink::ZERO).add, "a sink for terms")?;
        let name = CString::new(self.name.as_str()).map_err(|_| Failure::new("a term's name has no zero in it"))?;
        let handle = |tensor: &Option<Tensor<'_>>| tensor.map_or(core::ptr::null_mut(), |tensor| tensor.handle());
        let term = lethe_term {
            size: core::mem::size_of::<lethe_term>() as u32,
            set: self.set.0,
            name: name.as_ptr() as *const c_char,
            coefficient: self.coefficient,
            losses: handle(&self.losses),
            clean_losses: handle(&self.clean_losses),
            importance: handle(&self.importance),
            timesteps: handle(&self.timesteps),
            indices: handle(&self.indices),
            penalty: handle(&self.penalty),
            flags: if self.knows_clean_losses { 0 } else { TERM_NO_CLEAN_LOSS },
            ..lethe_term::ZERO
        };
        ask(|error| add(call.context(), &term, error))
    }
}

/// One term as a reweighter sees it: numbers without a graph.
pub struct SeenTerm<'c> {
    /// Which set its samples are of.
    pub set: SampleSet,
    /// Where the run stands.
    pub progress: Progress,
    /// The term's name.
    pub name: String,
    /// n.
    pub count: i64,
    /// Float [n].
    pub losses: Tensor<'c>,
    /// [n]: the loss with the true labels; none where nobody knows it.
    pub clean_losses: Option<Tensor<'c>>,
    /// [n], >= 0, or none for 1.
    pub importance: Option<Tensor<'c>>,
    /// Int64 [n], for diffusion.
    pub timesteps: Option<Tensor<'c>>,
    /// Int64 [n], positions in the training data.
    pub indices: Option<Tensor<'c>>,
}

impl<'c> SeenTerm<'c> {
    pub(crate) unsafe fn new(source: *const lethe_reweigh_in, call: Call<'c>) -> Result<Self> {
        let seen = snapshot(source, lethe_reweigh_in::ZERO);
        Ok(SeenTerm {
            set: SampleSet(seen.set),
            progress: Progress::new(seen.progress),
            name: text(seen.term),
            count: seen.count,
            losses: call.tensor(seen.losses)?,
            clean_losses: call.optional(seen.clean_losses),
            importance: call.optional(seen.importance),
            timesteps: call.optional(seen.timesteps),
            indices: call.optional(seen.indices),
        })
    }
}
