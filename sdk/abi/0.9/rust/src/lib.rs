// SPDX-License-Identifier: Apache-2.0
//! The Rust kit for plugins of Lethe: a method is a struct, an error is an `Err`, a tensor is a value that lives as long as
//! the callback that made it. No dependency; [`ffi`] alone is `no_std`.
//!
//! A plugin implements one of [`Objective`], [`Reweighter`], [`Mask`], [`Updater`], [`Procedure`] and [`Metric`], and
//! names it in [`plugin!`]; [`manifest!`] puts its manifest into the library. No panic leaves the library: it becomes an error.
#![cfg_attr(not(feature = "std"), no_std)]
#![deny(missing_docs)]

pub mod ffi;

#[cfg(feature = "std")]
mod call;
#[cfg(feature = "std")]
mod failure;
#[cfg(feature = "std")]
mod metric;
#[cfg(feature = "std")]
mod model;
#[cfg(feature = "std")]
mod plugin;
#[cfg(feature = "std")]
mod step;
#[cfg(feature = "std")]
mod strategy;
#[cfg(feature = "std")]
mod tensor;

#[cfg(feature = "std")]
pub use crate::{
    call::{Call, Level, Services, Value},
    failure::{Failure, Result},
    metric::{Direction, MeasuredBatch, MeasuredModel, Metric, MetricResult},
    model::{DataPass, Forward, Model, StepTerm, TaskInfo},
    plugin::{enter, mask, metric, note, objective, procedure, reweighter, updater, Note, Shared},
    step::{Batch, Progress, SampleSet, SeenTerm, Step, Term},
    strategy::{Mask, Objective, Parameters, Procedure, Reweighter, Strategy, Updater, Walk},
    tensor::{schema, KeptTensor, Tensor},
};
