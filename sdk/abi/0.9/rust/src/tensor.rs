// SPDX-License-Identifier: Apache-2.0
//! Tensors: their arithmetic, their values, how long they live.

use crate::{call::*, failure::*, ffi::*};
use std::os::raw::c_void;

/// Schemas of operators, as LibTorch 2.11.0 writes them; see `lethe/aten.h` for more.
pub mod schema {
    use std::ffi::CStr;
    macro_rules! schemas { ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => { $(
        $(#[$doc])*
        // The literal ends with the only zero that it has.
        pub const $name: &CStr = unsafe { CStr::from_bytes_with_nul_unchecked(concat!($text, "\0").as_bytes()) };
    )* } }
    schemas! {
        /// a + alpha b
        ADD = "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor";
        /// a + x
        ADD_SCALAR = "aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor";
        /// a - alpha b
        SUB = "aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor";
        /// a b
        MUL = "aten::mul.Tensor(Tensor self, Tensor other) -> Tensor";
        /// a x
        MUL_SCALAR = "aten::mul.Scalar(Tensor self, Scalar other) -> Tensor";
        /// a / b
        DIV = "aten::div.Tensor(Tensor self, Tensor other) -> Tensor";
        /// a / x
        DIV_SCALAR = "aten::div.Scalar(Tensor self, Scalar other) -> Tensor";
        /// -a
        NEG = "aten::neg(Tensor self) -> Tensor";
        /// |a|
        ABS = "aten::abs(Tensor self) -> Tensor";
        /// e^a
        EXP = "aten::exp(Tensor self) -> Tensor";
        /// ln a
        LOG = "aten::log(Tensor self) -> Tensor";
        /// square root
        SQRT = "aten::sqrt(Tensor self) -> Tensor";
        /// within bounds
        CLAMP = "aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor";
        /// sum of all
        SUM = "aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor";
        /// mean of all
        MEAN = "aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor";
        /// softmax along a dimension
        SOFTMAX = "aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor";
        /// its logarithm
        LOG_SOFTMAX = "aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor";
        /// rows
        NARROW = "aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)";
        /// without its graph
        DETACH = "aten::detach(Tensor(a) self) -> Tensor(a)";
        /// zeros of the same shape
        ZEROS_LIKE = "aten::zeros_like(Tensor self) -> Tensor";
        /// a copy
        CLONE = "aten::clone(Tensor self) -> Tensor";
        /// a += alpha b
        ADD_IN_PLACE = "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)";
        /// a = b
        COPY_IN_PLACE = "aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)";
    }
}

/// A tensor of the host, valid during the callback that made it: [`Tensor::keep`] makes one that lives on.
#[derive(Clone, Copy)]
pub struct Tensor<'c> {
    handle: lethe_tensor,
    call: Call<'c>,
}

impl<'c> From<Tensor<'c>> for Value<'c> {
    fn from(tensor: Tensor<'c>) -> Self {
        Value::Tensor(tensor)
    }
}

macro_rules! unary { ($($(#[$doc:meta])* $name:ident = $schema:ident)*) => { $(
    $(#[$doc])*
    pub fn $name(&self) -> Result<Tensor<'c>> {
        self.call.apply(schema::$schema, &[Value::Tensor(*self)])
    }
)* } }
macro_rules! binary { ($($(#[$doc:meta])* $name:ident = $schema:ident)*) => { $(
    $(#[$doc])*
    pub fn $name(&self, other: Tensor<'_>) -> Result<Tensor<'c>> {
        self.call.apply(schema::$schema, &[Value::Tensor(*self), Value::Tensor(other)])
    }
)* } }
macro_rules! scaled { ($($(#[$doc:meta])* $name:ident = $schema:ident)*) => { $(
    $(#[$doc])*
    pub fn $name(&self, number: f64) -> Result<Tensor<'c>> {
        self.call.apply(schema::$schema, &[Value::Tensor(*self), Value::Float(number)])
    }
)* } }

// The words of mathematics: operators cannot fail, and these can.
#[allow(clippy::should_implement_trait)]
impl<'c> Tensor<'c> {
    pub(crate) fn new(handle: lethe_tensor, call: Call<'c>) -> Self {
        Tensor { handle, call }
    }

    /// For the C functions that the kit has no word for.
    pub fn handle(&self) -> lethe_tensor {
        self.handle
    }

    unary! {
        /// -a
        neg = NEG
        /// |a|
        abs = ABS
        /// e^a
        exp = EXP
        /// ln a
        log = LOG
        /// Its square root.
        sqrt = SQRT
        /// The sum of all elements.
        sum = SUM
        /// Their mean.
        mean = MEAN
        /// The same values without a graph.
        detach = DETACH
        /// Zeros of its shape and type.
        zeros_like = ZEROS_LIKE
        /// A copy.
        copied = CLONE
    }
    binary! {
        /// a + b
        add = ADD
        /// a - b
        sub = SUB
        /// a b, by elements
        mul = MUL
        /// a / b, by elements
        div = DIV
    }
    scaled! {
        /// a + x
        plus = ADD_SCALAR
        /// x a
        times = MUL_SCALAR
        /// a / x
        over = DIV_SCALAR
    }

    /// Softmax along a dimension.
    pub fn softmax(&self, dimension: i64) -> Result<Tensor<'c>> {
        self.call.apply(schema::SOFTMAX, &[Value::Tensor(*self), Value::Int(dimension)])
    }

    /// Its logarithm.
    pub fn log_softmax(&self, dimension: i64) -> Result<Tensor<'c>> {
        self.call.apply(schema::LOG_SOFTMAX, &[Value::Tensor(*self), Value::Int(dimension)])
    }

    /// Within bounds, where they are given.
    pub fn clamp(&self, least: Option<f64>, most: Option<f64>) -> Result<Tensor<'c>> {
        let bound = |bound: Option<f64>| bound.map_or(Value::None, Value::Float);
        self.call.apply(schema::CLAMP, &[Value::Tensor(*self), bound(least), bound(most)])
    }

    /// `count` rows from `start` on.
    pub fn rows(&self, start: i64, count: i64) -> Result<Tensor<'c>> {
        self.call.apply(schema::NARROW, &[Value::Tensor(*self), Value::Int(0), Value::Int(start), Value::Int(count)])
    }

    /// a += x b, in place.
    pub fn add_scaled(&self, number: f64, other: Tensor<'_>) -> Result<()> {
        let arguments = [Value::Tensor(*self), Value::Tensor(other), Value::Float(number)];
        self.call.apply(schema::ADD_IN_PLACE, &arguments).map(|_| ())
    }

    /// a = b, in place.
    pub fn copy_from(&self, other: Tensor<'_>) -> Result<()> {
        self.call.apply(schema::COPY_IN_PLACE, &[Value::Tensor(*self), Value::Tensor(other)]).map(|_| ())
    }

    /// Its dimensions.
    pub fn shape(&self) -> Result<Vec<i64>> {
        let shape = offered(self.call.services.tensors.shape, "lethe.tensors/1 shape")?;
        let (mut dims, mut rank) = (vec![0i64; 8], 0u32);
        ask(|error| unsafe { shape(self.call.context, self.handle, dims.as_mut_ptr(), 8, &mut rank, error) })?;
        if rank > 8 {
            dims.resize(rank as usize, 0);
            ask(|error| unsafe { shape(self.call.context, self.handle, dims.as_mut_ptr(), rank, &mut rank, error) })?;
        }
        dims.truncate(rank as usize);
        Ok(dims)
    }

    /// All elements, in row-major order. Waits for the device: not for the inside of a step.
    pub fn values(&self) -> Result<Vec<f64>> {
        let read = offered(self.call.services.tensors.read, "lethe.tensors/1 read")?;
        let mut values = vec![0f64; self.shape()?.iter().product::<i64>() as usize];
        ask(|error| unsafe {
            let bytes = core::mem::size_of_val(values.as_slice()) as u64;
            read(self.call.context, self.handle, DTYPE_FLOAT64, values.as_mut_ptr() as *mut c_void, bytes, error)
        })?;
        Ok(values)
    }

    /// The same tensor without a graph, for as long as the answer lives. Clone first what will be written to.
    pub fn keep(&self) -> Result<KeptTensor> {
        let keep = offered(self.call.services.tensors.keep, "lethe.tensors/1 keep")?;
        let drop = offered(self.call.services.tensors.drop, "lethe.tensors/1 drop")?;
        let mut handle: lethe_tensor = core::ptr::null_mut();
        ask(|error| unsafe { keep(self.call.context, self.handle, &mut handle, error) })?;
        Ok(KeptTensor { handle, drop })
    }
}

/// A tensor that outlives callbacks; it is given back when this is dropped.
pub struct KeptTensor {
    handle: lethe_tensor,
    drop: unsafe extern "C" fn(lethe_tensor),
}

impl KeptTensor {
    /// The tensor, in a callback.
    pub fn tensor<'c>(&self, call: Call<'c>) -> Tensor<'c> {
        Tensor::new(self.handle, call)
    }
}

impl Drop for KeptTensor {
    fn drop(&mut self) {
        unsafe { (self.drop)(self.handle) }
    }
}
