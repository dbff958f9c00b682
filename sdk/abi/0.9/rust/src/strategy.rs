// SPDX-License-Identifier: Apache-2.0
//! What an author implements: one trait for each role.

use crate::{call::*, failure::*, ffi::*, model::*, step::*, tensor::Tensor};

/// The values of the manifest's parameters, in its order: parsed, defaulted and checked for range by the host.
pub struct Parameters<'a> {
    values: &'a [lethe_value],
}

impl<'a> Parameters<'a> {
    pub(crate) unsafe fn new(info: &lethe_create_info) -> Parameters<'a> {
        if info.params.is_null() {
            return Parameters { values: &[] };
        }
        Parameters { values: core::slice::from_raw_parts(info.params, info.param_count as usize) }
    }

    fn value(&self, index: usize, tag: u32, kind: &str) -> Result<lethe_payload> {
        match self.values.get(index) {
            Some(value) if value.tag == tag => Ok(value.as_),
            _ => Err(Failure::parameter(
                index,
                format!("parameter {} is no {}: the manifest and the code disagree", index, kind),
            )),
        }
    }

    /// Whether there is a value: false for a parameter without default that was not given.
    pub fn is_given(&self, index: usize) -> bool {
        self.values.get(index).map_or(false, |value| value.tag != T_NONE)
    }

    /// A parameter of type "float".
    pub fn float(&self, index: usize) -> Result<f64> {
        Ok(unsafe { self.value(index, T_FLOAT, "float")?.f })
    }

    /// A parameter of type "int".
    pub fn int(&self, index: usize) -> Result<i64> {
        Ok(unsafe { self.value(index, T_INT, "int")?.i })
    }

    /// A parameter of type "bool".
    pub fn bool(&self, index: usize) -> Result<bool> {
        Ok(unsafe { self.value(index, T_BOOL, "bool")?.i } != 0)
    }

    /// A parameter of type "string".
    pub fn string(&self, index: usize) -> Result<String> {
        Ok(unsafe { text(self.value(index, T_STR, "string")?.s) })
    }
}

/// A method, or a part of one. It is made from parameters and then called, always on the run's one thread:
/// `new`, `prepare`, the role's calls, `finish`, drop. What it gives as `Err` ends the run.
pub trait Strategy: Sized + 'static {
    /// Whether `retune` may change its parameters during a run.
    const TUNABLE: bool = false;
    /// Of what `save` writes; 0 for a strategy that remembers nothing between steps.
    const STATE_VERSION: u32 = 0;

    /// Cheap; touches no tensor; checks what the manifest cannot say (`Failure::parameter`).
    fn new(parameters: &Parameters<'_>) -> Result<Self>;
    /// Sees the models, may compute at length, polls `Call::check_cancelled`.
    fn prepare(&mut self, _call: Call<'_>) -> Result<()> {
        Ok(())
    }
    /// After the last step.
    fn finish(&mut self, _call: Call<'_>) -> Result<()> {
        Ok(())
    }
    /// New values for tunable parameters, between steps; all are given, as in `new`.
    fn retune(&mut self, parameters: &Parameters<'_>) -> Result<()> {
        *self = Self::new(parameters)?;
        Ok(())
    }
    /// All that a resumed strategy needs to go on bit for bit.
    fn save(&self, _call: Call<'_>) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
    /// Takes it back.
    fn load(&mut self, _version: u32, _state: &[u8], _call: Call<'_>) -> Result<()> {
        Ok(())
    }
}

/// Role `lethe.objective/1`: which differentiable losses a step has.
pub trait Objective: Strategy {
    /// The terms of one step, at least one. Called once for each micro-batch.
    fn terms<'c>(&mut self, step: &Step<'c>, call: Call<'c>) -> Result<Vec<Term<'c>>>;
}

/// Role `lethe.reweighter/1`: how much each sample of a term counts.
pub trait Reweighter: Strategy {
    /// Weights [n] of the losses' type and device, or none for 1/n.
    fn weights<'c>(&mut self, term: &SeenTerm<'c>, call: Call<'c>) -> Result<Option<Tensor<'c>>>;
}

/// How the host walks over the data for a mask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// Samples a batch, > 0.
    pub batch: i64,
    /// Batch statistics instead of running ones.
    pub trains: bool,
    /// An optimizer step on a copy of the model after every batch, undone at the end.
    pub steps: bool,
}

/// Role `lethe.mask/1`: which weights may move.
pub trait Mask: Strategy {
    /// Starts a walk; may change how it is made.
    fn begin<'c>(&mut self, parameters: &[Tensor<'c>], walk: &mut Walk, call: Call<'c>) -> Result<()>;
    /// The gradients of one batch of `count` samples in parameter order; none is a gradient of zero.
    fn accumulate<'c>(&mut self, gradients: &[Option<Tensor<'c>>], count: i64, call: Call<'c>) -> Result<()>;
    /// Scores for each parameter, of its shape: float, finite, >= 0; higher means kept first.
    fn scores<'c>(&mut self, call: Call<'c>) -> Result<Vec<Tensor<'c>>>;
}

/// Role `lethe.updater/1`: how the gradients of the terms become one direction, and what happens after the step.
pub trait Updater: Strategy {
    /// Whether `combine` is there.
    const COMBINES: bool = false;
    /// Whether `after_step` is there.
    const ACTS_AFTER: bool = false;

    /// Reads the terms with `Call::step_terms` and sets a direction with `Call::set_direction`.
    fn combine(&mut self, _progress: Progress, _call: Call<'_>) -> Result<()> {
        Ok(())
    }
    /// Runs after the optimizer's step; the model's parameters may be changed in place, nothing is recorded.
    fn after_step(&mut self, _progress: Progress, _call: Call<'_>) -> Result<()> {
        Ok(())
    }
}

/// Role `lethe.procedure/1`: changes the model's parameters itself, once.
pub trait Procedure: Strategy {
    /// Changes the parameters in place, within `Call::without_graph`.
    fn run<'c>(&mut self, model: Model<'c>, call: Call<'c>) -> Result<()>;
}
