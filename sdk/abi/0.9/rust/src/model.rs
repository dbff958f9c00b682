// SPDX-License-Identifier: Apache-2.0
//! Models, the task, walks over data, and the step under way.

use crate::{call::*, failure::*, ffi::*, step::*, tensor::Tensor};
use std::{ffi::CStr, ffi::CString};

pub(crate) unsafe fn text(source: *const c_char) -> String {
    if source.is_null() {
        return String::new();
    }
    CStr::from_ptr(source as *const _).to_string_lossy().into_owned()
}

/// How a forward pass is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Forward {
    /// Batch statistics, which are updated, and a graph.
    Training = 0,
    /// Running statistics, no dropout; a graph.
    Evaluating = FORWARD_EVAL as isize,
    /// Running statistics, no dropout, no graph.
    Observing = (FORWARD_EVAL | FORWARD_NO_GRAD) as isize,
}

/// A model of the run, valid during the callback.
#[derive(Clone, Copy)]
pub struct Model<'c> {
    handle: lethe_model,
    call: Call<'c>,
}

impl<'c> Model<'c> {
    pub(crate) fn new(handle: lethe_model, call: Call<'c>) -> Self {
        Model { handle, call }
    }

    /// Logits, float [n, classes], of inputs [n, C, H, W] in [0, 1].
    pub fn forward(&self, inputs: Tensor<'_>, how: Forward) -> Result<Tensor<'c>> {
        let forward = offered(self.call.services.models.forward, "lethe.model/1 forward")?;
        let input = lethe_forward {
            size: core::mem::size_of::<lethe_forward>() as u32,
            flags: how as u32,
            inputs: inputs.handle(),
        };
        let mut output: lethe_tensor = core::ptr::null_mut();
        ask(|error| unsafe { forward(self.call.context, self.handle, &input, &mut output, error) })?;
        self.call.tensor(output)
    }

    /// The trainable parameters in a stable order, leaves of the graph.
    pub fn parameters(&self) -> Result<Vec<Tensor<'c>>> {
        let parameters = offered(self.call.services.models.parameters, "lethe.model/1 parameters")?;
        let mut list = lethe_named_tensors {
            size: core::mem::size_of::<lethe_named_tensors>() as u32,
            ..lethe_named_tensors::ZERO
        };
        ask(|error| unsafe { parameters(self.call.context, self.handle, &mut list, error) })?;
        Ok(unsafe { tensors(self.call, &list) }.into_iter().flatten().collect())
    }
}

/// # Safety
/// `list` is what the host gave.
pub(crate) unsafe fn tensors<'c>(call: Call<'c>, list: &lethe_named_tensors) -> Vec<Option<Tensor<'c>>> {
    if list.tensors.is_null() {
        return Vec::new();
    }
    (0..list.count as usize).map(|index| call.optional(*list.tensors.add(index))).collect()
}

/// What the run is about.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskInfo {
    /// "classification" or "diffusion".
    pub kind: String,
    /// Classes of the data.
    pub classes: i64,
    /// Samples in the forget set.
    pub forget_count: i64,
    /// Samples in the retain set.
    pub retain_count: i64,
}

/// A term of the step under way, as an updater sees it.
pub struct StepTerm<'c> {
    /// Which set its samples are of; empty for a penalty.
    pub set: SampleSet,
    /// Its name.
    pub name: String,
    /// As the objective gave it.
    pub coefficient: f64,
    /// A scalar without a graph, coefficient included.
    pub loss: Tensor<'c>,
    /// In parameter order, masked, coefficient included; none for zero.
    pub gradients: Vec<Option<Tensor<'c>>>,
}

impl<'c> Call<'c> {
    /// "model", which is being unlearned, or "original", where the manifest lists it under "models".
    pub fn model(&self, name: &str) -> Result<Model<'c>> {
        let find = offered(self.services.models.find, "lethe.model/1 find")?;
        let name = CString::new(name).map_err(|_| Failure::new("a name has no zero in it"))?;
        let mut found: lethe_model = core::ptr::null_mut();
        ask(|error| unsafe { find(self.context, name.as_ptr() as *const c_char, &mut found, error) })?;
        Ok(Model::new(found, *self))
    }

    /// What the run is about.
    pub fn task(&self) -> Result<TaskInfo> {
        let describe = offered(self.services.task.describe, "lethe.task/1 describe")?;
        let size = core::mem::size_of::<lethe_task_info>() as u32;
        let mut info = lethe_task_info { size, ..lethe_task_info::ZERO };
        ask(|error| unsafe { describe(self.context, &mut info, error) })?;
        let kind = unsafe { text(info.kind) };
        Ok(TaskInfo { kind, classes: info.classes, forget_count: info.forget, retain_count: info.retain })
    }

    /// Cross-entropy of each sample, [n], of logits [n, C] and labels [n]; never reduced.
    pub fn losses(&self, outputs: Tensor<'_>, labels: Tensor<'_>) -> Result<Tensor<'c>> {
        let losses = offered(self.services.task.losses, "lethe.task/1 losses")?;
        let mut found: lethe_tensor = core::ptr::null_mut();
        ask(|error| unsafe { losses(self.context, outputs.handle(), labels.handle(), &mut found, error) })?;
        self.tensor(found)
    }

    /// Passes a batch through a model as training does and gives the task's loss of each sample, never reduced, and for
    /// diffusion the timesteps.
    pub fn batch_losses(&self, model: Model<'_>, batch: &Batch<'_>) -> Result<(Tensor<'c>, Option<Tensor<'c>>)> {
        let losses = offered(self.services.task.batch_losses, "lethe.task/1 batch_losses")?;
        let size = core::mem::size_of::<lethe_task_losses>() as u32;
        let mut found = lethe_task_losses { size, ..lethe_task_losses::ZERO };
        ask(|error| unsafe { losses(self.context, model.handle, &batch.raw, &mut found, error) })?;
        Ok((self.tensor(found.losses)?, self.optional(found.timesteps)))
    }

    /// The mean loss of the original model over a set. Only in `prepare`: it costs a pass over the set.
    pub fn reference_loss(&self, set: SampleSet) -> Result<f64> {
        let reference = offered(self.services.evaluate.reference_loss, "lethe.evaluate/1 reference_loss")?;
        let mut loss = 0.0;
        ask(|error| unsafe { reference(self.context, set.0, &mut loss, error) })?;
        Ok(loss)
    }

    /// The terms of the step under way with their gradients: one backward pass each. In `combine` only.
    pub fn step_terms(&self) -> Result<Vec<StepTerm<'c>>> {
        let steps = &self.services.steps;
        let count = offered(steps.count, "lethe.step/1 count")?;
        let term = offered(steps.term, "lethe.step/1 term")?;
        let gradient = offered(steps.gradient, "lethe.step/1 gradient")?;
        let mut terms = 0u32;
        ask(|error| unsafe { count(self.context, &mut terms, error) })?;
        (0..terms)
            .map(|index| {
                let size = core::mem::size_of::<lethe_step_term>() as u32;
                let mut seen = lethe_step_term { size, ..lethe_step_term::ZERO };
                ask(|error| unsafe { term(self.context, index, &mut seen, error) })?;
                let size = core::mem::size_of::<lethe_named_tensors>() as u32;
                let mut list = lethe_named_tensors { size, ..lethe_named_tensors::ZERO };
                ask(|error| unsafe { gradient(self.context, index, &mut list, error) })?;
                Ok(StepTerm {
                    set: SampleSet(seen.set),
                    name: unsafe { text(seen.name) },
                    coefficient: seen.coefficient,
                    loss: self.tensor(seen.loss)?,
                    gradients: unsafe { tensors(*self, &list) },
                })
            })
            .collect()
    }

    /// What the optimizer gets: one tensor of the parameter's shape for each parameter. In `combine` only.
    pub fn set_direction(&self, direction: &[Option<Tensor<'_>>]) -> Result<()> {
        let set = offered(self.services.steps.set_direction, "lethe.step/1 set_direction")?;
        let list = handles(direction);
        ask(|error| unsafe { set(self.context, list.as_ptr(), list.len() as u32, error) })
    }

    /// The inner product of two lists of gradients, a scalar; none counts as zero. In `combine` only.
    pub fn dot(&self, a: &[Option<Tensor<'_>>], b: &[Option<Tensor<'_>>]) -> Result<Tensor<'c>> {
        let dot = offered(self.services.steps.dot, "lethe.step/1 dot")?;
        let (a, b) = same(a, b)?;
        let mut found: lethe_tensor = core::ptr::null_mut();
        ask(|error| unsafe { dot(self.context, a.as_ptr(), b.as_ptr(), a.len() as u32, &mut found, error) })?;
        self.tensor(found)
    }

    /// a + scale * b for two lists of gradients and a scalar tensor; none counts as zero. In `combine` only.
    pub fn axpy(
        &self, a: &[Option<Tensor<'_>>], scale: Tensor<'_>, b: &[Option<Tensor<'_>>],
    ) -> Result<Vec<Option<Tensor<'c>>>> {
        let axpy = offered(self.services.steps.axpy, "lethe.step/1 axpy")?;
        let (a, b) = same(a, b)?;
        let mut found: Vec<lethe_tensor> = vec![core::ptr::null_mut(); a.len()];
        ask(|error| unsafe {
            let count = a.len() as u32;
            axpy(self.context, a.as_ptr(), scale.handle(), b.as_ptr(), count, found.as_mut_ptr(), error)
        })?;
        Ok(found.into_iter().map(|handle| self.optional(handle)).collect())
    }

    /// The learning rate of this step. In `combine` and `after_step` only.
    pub fn learning_rate(&self) -> Result<f64> {
        let rate = offered(self.services.steps.learning_rate, "lethe.step/1 learning_rate")?;
        let mut found = 0.0;
        ask(|error| unsafe { rate(self.context, &mut found, error) })?;
        Ok(found)
    }
}

fn handles(tensors: &[Option<Tensor<'_>>]) -> Vec<lethe_tensor> {
    tensors.iter().map(|tensor| tensor.map_or(core::ptr::null_mut(), |tensor| tensor.handle())).collect()
}

fn same(a: &[Option<Tensor<'_>>], b: &[Option<Tensor<'_>>]) -> Result<(Vec<lethe_tensor>, Vec<lethe_tensor>)> {
    if a.len() != b.len() {
        return Err(Failure::new(format!("lists of {} and {} gradients do not fit together", a.len(), b.len())));
    }
    Ok((handles(a), handles(b)))
}

/// A walk over a set in dataset order, for `prepare` and `Procedure::run`.
pub struct DataPass {
    set: SampleSet,
    size: i64,
    count: i64,
}

impl DataPass {
    /// `size` samples a batch; the last one may be short.
    pub fn new(set: SampleSet, size: i64, call: Call<'_>) -> Result<Self> {
        if size < 1 {
            return Err(Failure::new("a batch has at least one sample"));
        }
        let task = call.task()?;
        let samples = if set == SampleSet::FORGET { task.forget_count } else { task.retain_count };
        Ok(DataPass { set, size, count: (samples + size - 1) / size })
    }

    /// Calls `body` with every batch, frees what tensors it made, and tells the user how far the work is. Fails once the
    /// run was asked to stop.
    pub fn for_each(
        &self, call: Call<'_>, mut body: impl for<'b> FnMut(Batch<'b>, Call<'b>) -> Result<()>,
    ) -> Result<()> {
        let fetch = offered(call.services.data.batch, "lethe.data/1 batch")?;
        let pass = lethe_pass {
            size: core::mem::size_of::<lethe_pass>() as u32,
            set: self.set.0,
            batch: self.size,
            ..lethe_pass::ZERO
        };
        for number in 0..self.count {
            call.freeing_tensors(|call| {
                let size = core::mem::size_of::<lethe_batch>() as u32;
                let mut found = lethe_batch { size, ..lethe_batch::ZERO };
                ask(|error| unsafe { fetch(call.context, &pass, number, &mut found, error) })?;
                body(Batch::new(found, call)?, call)
            })?;
            if let Some(progress) = call.services.data.progress {
                unsafe { progress(call.context, number + 1, self.count) }
            }
        }
        Ok(())
    }
}
