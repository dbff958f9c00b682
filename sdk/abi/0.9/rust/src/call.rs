// SPDX-License-Identifier: Apache-2.0
//! The host as a callback sees it.

use crate::{failure::*, ffi::*, tensor::Tensor};
use std::{
    cell::RefCell,
    ffi::{CStr, CString},
    marker::PhantomData,
    os::raw::c_void,
};

/// The host's tables as this plugin knows them, looked up once for an instance.
pub struct Services {
    /// "lethe.core/1"
    pub core: lethe_core,
    /// "lethe.tensors/1"
    pub tensors: lethe_tensors,
    /// "lethe.ops/1"
    pub ops: lethe_ops,
    /// "lethe.autograd/1"
    pub autograd: lethe_autograd,
    /// "lethe.model/1"
    pub models: lethe_models,
    /// "lethe.task/1"
    pub task: lethe_task,
    /// "lethe.rng/1"
    pub random: lethe_rngs,
    /// "lethe.evaluate/1"
    pub evaluate: lethe_evaluate,
    /// "lethe.step/1"
    pub steps: lethe_steps,
    /// "lethe.data/1"
    pub data: lethe_data,
    /// "lethe.dlpack/1"
    pub dlpack: lethe_dlpack,
    /// "lethe.diffusion/1"
    pub diffusion: lethe_diffusion,
    // Few enough that a walk is quicker than a hash.
    operators: RefCell<Vec<(*const c_char, lethe_op)>>,
}

/// Copies a growable struct: what its owner did not know stays zero.
///
/// # Safety
/// `source` is NULL or points to a struct that begins with its size in bytes.
pub(crate) unsafe fn snapshot<T: Copy>(source: *const T, empty: T) -> T {
    let mut copy = empty;
    if !source.is_null() {
        let count = (*(source as *const u32) as usize).min(core::mem::size_of::<T>());
        core::ptr::copy_nonoverlapping(source as *const u8, &mut copy as *mut T as *mut u8, count);
    }
    copy
}

impl Services {
    /// # Safety
    /// `host` is what `create` was given.
    pub(crate) unsafe fn new(host: *const lethe_host) -> Self {
        let service = snapshot(host, lethe_host::ZERO).service;
        macro_rules! table {
            ($id:literal, $type:ty) => {{
                let found = match service {
                    Some(service) => service(host, concat!($id, "\0").as_ptr() as *const c_char),
                    None => core::ptr::null(),
                };
                snapshot(found as *const $type, <$type>::ZERO)
            }};
        }
        Services {
            core: table!("lethe.core/1", lethe_core),
            tensors: table!("lethe.tensors/1", lethe_tensors),
            ops: table!("lethe.ops/1", lethe_ops),
            autograd: table!("lethe.autograd/1", lethe_autograd),
            models: table!("lethe.model/1", lethe_models),
            task: table!("lethe.task/1", lethe_task),
            random: table!("lethe.rng/1", lethe_rngs),
            evaluate: table!("lethe.evaluate/1", lethe_evaluate),
            steps: table!("lethe.step/1", lethe_steps),
            data: table!("lethe.data/1", lethe_data),
            dlpack: table!("lethe.dlpack/1", lethe_dlpack),
            diffusion: table!("lethe.diffusion/1", lethe_diffusion),
            operators: RefCell::new(Vec::new()),
        }
    }
}

/// How much a line of the record matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// For whoever looks for a mistake.
    Debug = 0,
    /// For the record.
    Info = 1,
    /// For the user.
    Warning = 2,
}

/// An argument of an operator.
#[derive(Clone, Copy)]
pub enum Value<'c> {
    /// Absent.
    None,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A tensor.
    Tensor(Tensor<'c>),
    /// A list of whole numbers: a shape, dimensions.
    Ints(&'c [i64]),
    /// An element type, `ffi::DTYPE_*`.
    DType(i32),
}

impl<'c> Value<'c> {
    fn raw(&self) -> lethe_value {
        let value = |tag, count, as_| lethe_value { tag, count, as_ };
        match *self {
            Value::None => value(T_NONE, 0, lethe_payload { raw: 0 }),
            Value::Bool(truth) => value(T_BOOL, 0, lethe_payload { i: truth as i64 }),
            Value::Int(number) => value(T_INT, 0, lethe_payload { i: number }),
            Value::Float(number) => value(T_FLOAT, 0, lethe_payload { f: number }),
            Value::Tensor(tensor) => value(T_TENSOR, 0, lethe_payload { t: tensor.handle() }),
            Value::Ints(list) => value(T_INTS, list.len() as u32, lethe_payload { is: list.as_ptr() }),
            Value::DType(number) => value(T_DTYPE, 0, lethe_payload { i: number as i64 }),
        }
    }
}

/// The right to call the host, for one callback: neither it nor what came with it outlives `'c`.
#[derive(Clone, Copy)]
pub struct Call<'c> {
    pub(crate) context: lethe_ctx,
    pub(crate) services: &'c Services,
    // As the tables' own pointers: not for other threads.
    _thread: PhantomData<*mut c_void>,
}

impl<'c> Call<'c> {
    pub(crate) fn new(context: lethe_ctx, services: &'c Services) -> Self {
        Call { context, services, _thread: PhantomData }
    }

    /// For the C functions that the kit has no word for.
    pub fn context(&self) -> lethe_ctx {
        self.context
    }

    /// The host's tables.
    pub fn services(&self) -> &'c Services {
        self.services
    }

    /// One line for the run's record.
    pub fn log(&self, level: Level, message: &str) {
        if let (Some(log), Ok(text)) = (self.services.core.log, CString::new(message)) {
            unsafe { log(self.context, level as i32, text.as_ptr() as *const c_char) }
        }
    }

    /// Fails once the run was asked to stop. One atomic load: poll it in every loop that is long.
    pub fn check_cancelled(&self) -> Result<()> {
        match self.services.core.cancelled {
            Some(cancelled) if unsafe { cancelled(self.context) } != 0 => Err(Failure::cancelled()),
            _ => Ok(()),
        }
    }

    /// Records a number about this step under `key` (`[a-z][a-z0-9_.]*`); a tensor of one element is read when the next
    /// event is due, so no step waits for the device.
    pub fn report(&self, key: &str, value: Value<'_>) -> Result<()> {
        let report = offered(self.services.core.report, "lethe.core/1 report")?;
        let key = CString::new(key).map_err(|_| Failure::new("a key has no zero in it"))?;
        let value = value.raw();
        ask(|error| unsafe { report(self.context, key.as_ptr() as *const c_char, &value, error) })
    }

    /// Calls an operator that gives one tensor, by the schema text that the code is written against: a constant of
    /// [`crate::schema`], or any other of ATen. It is looked up at its first use.
    pub fn apply(&self, schema: &'static CStr, arguments: &[Value<'_>]) -> Result<Tensor<'c>> {
        let operator = self.resolve(schema)?;
        let call = offered(self.services.ops.call, "lethe.ops/1 call")?;
        let mut raw = [lethe_value::ZERO; 8];
        if arguments.len() > raw.len() {
            return Err(Failure::new("an operator of the kit has at most 8 arguments"));
        }
        for (place, argument) in raw.iter_mut().zip(arguments) {
            *place = argument.raw();
        }
        let mut answer = lethe_value::ZERO;
        ask(|error| unsafe {
            call(self.context, operator, raw.as_ptr(), arguments.len() as u32, &mut answer, 1, error)
        })?;
        if answer.tag != T_TENSOR {
            return Err(Failure::new("the operator gave no tensor"));
        }
        self.tensor(unsafe { answer.as_.t })
    }

    fn resolve(&self, schema: &'static CStr) -> Result<lethe_op> {
        let key = schema.as_ptr() as *const c_char;
        let mut known = self.services.operators.borrow_mut();
        if let Some(&(_, operator)) = known.iter().find(|entry| entry.0 == key) {
            return Ok(operator);
        }
        let resolve = offered(self.services.ops.resolve, "lethe.ops/1 resolve")?;
        let mut found: lethe_op = core::ptr::null_mut();
        ask(|error| unsafe { resolve(self.context, key, &mut found, error) })?;
        known.push((key, found));
        Ok(found)
    }

    /// The tensor behind a handle that the host gave.
    pub fn tensor(&self, handle: lethe_tensor) -> Result<Tensor<'c>> {
        if handle.is_null() {
            return Err(Failure::new("the host gave no tensor"));
        }
        Ok(Tensor::new(handle, *self))
    }

    /// Like `tensor`, for handles that may be absent.
    pub fn optional(&self, handle: lethe_tensor) -> Option<Tensor<'c>> {
        self.tensor(handle).ok()
    }

    /// A float32 tensor on the run's device with these row-major values.
    pub fn floats(&self, values: &[f32], shape: &[i64]) -> Result<Tensor<'c>> {
        let make = offered(self.services.tensors.make, "lethe.tensors/1 make")?;
        if shape.iter().product::<i64>() != values.len() as i64 {
            return Err(Failure::new(format!("{} values do not fill the shape {:?}", values.len(), shape)));
        }
        let mut made: lethe_tensor = core::ptr::null_mut();
        ask(|error| unsafe {
            let bytes = core::mem::size_of_val(values) as u64;
            let source = values.as_ptr() as *const c_void;
            make(self.context, DTYPE_FLOAT32, shape.as_ptr(), shape.len() as u32, source, bytes, &mut made, error)
        })?;
        self.tensor(made)
    }

    /// The first `count` words of a stream of random numbers: a function of (run seed, strategy, label, step), so there is
    /// nothing to save.
    pub fn random_bits(&self, label: &str, count: usize) -> Result<Vec<u32>> {
        let stream = offered(self.services.random.stream, "lethe.rng/1 stream")?;
        let bits = offered(self.services.random.bits, "lethe.rng/1 bits")?;
        let label = CString::new(label).map_err(|_| Failure::new("a label has no zero in it"))?;
        let mut found: lethe_rng = core::ptr::null_mut();
        ask(|error| unsafe { stream(self.context, label.as_ptr() as *const c_char, &mut found, error) })?;
        let mut words = vec![0u32; count];
        ask(|error| unsafe { bits(self.context, found, words.as_mut_ptr(), count as u64, error) })?;
        Ok(words)
    }

    /// Gradients of a scalar with respect to `inputs`; none where it does not depend on one. `flags`: `ffi::GRAD_*`.
    pub fn gradient(&self, output: Tensor<'c>, inputs: &[Tensor<'c>], flags: u32) -> Result<Vec<Option<Tensor<'c>>>> {
        let gradient = offered(self.services.autograd.gradient, "lethe.autograd/1 gradient")?;
        let output = output.handle();
        let inputs: Vec<lethe_tensor> = inputs.iter().map(Tensor::handle).collect();
        let mut found: Vec<lethe_tensor> = vec![core::ptr::null_mut(); inputs.len()];
        ask(|error| unsafe {
            let flags = flags | GRAD_ALLOW_UNUSED;
            let (count, seeds) = (inputs.len() as u32, core::ptr::null());
            gradient(self.context, &output, seeds, 1, inputs.as_ptr(), count, flags, found.as_mut_ptr(), error)
        })?;
        Ok(found.into_iter().map(|handle| self.optional(handle)).collect())
    }

    /// Runs `body` without recording a graph.
    pub fn without_graph<T>(&self, body: impl FnOnce() -> Result<T>) -> Result<T> {
        struct Scope {
            set: unsafe extern "C" fn(lethe_ctx, i32) -> i32,
            context: lethe_ctx,
            before: i32,
        }
        impl Drop for Scope {
            fn drop(&mut self) {
                unsafe { (self.set)(self.context, self.before) };
            }
        }
        let set = offered(self.services.autograd.set_no_grad, "lethe.autograd/1 set_no_grad")?;
        let _scope = Scope { set, context: self.context, before: unsafe { set(self.context, 1) } };
        body()
    }

    /// Runs `body` with a call of its own, and frees the tensors that it made: for loops that make many.
    pub fn freeing_tensors(&self, body: impl for<'b> FnOnce(Call<'b>) -> Result<()>) -> Result<()> {
        let mark = unsafe { offered(self.services.tensors.mark, "lethe.tensors/1 mark")?(self.context) };
        let release = offered(self.services.tensors.release_to, "lethe.tensors/1 release_to")?;
        body(Call::new(self.context, self.services))?;
        ask(|error| unsafe { release(self.context, mark, error) })
    }
}
