// SPDX-License-Identifier: Apache-2.0
//! The C ABI as its headers declare it, name by name: `sdk/include/lethe` says what each field means, who owns it and from
//! where a function may be called. Sizes are checked against those of `sdk/src/layout.c` when this is compiled.
#![allow(non_camel_case_types, missing_docs)]

use core::ffi::c_void;

pub type c_char = i8;
pub type lethe_status = i32;

pub const OK: lethe_status = 0;
pub const E_CANCELLED: lethe_status = 1;
pub const E_UNKNOWN: lethe_status = 2;
pub const E_INVALID_ARGUMENT: lethe_status = 3;
pub const E_NOT_FOUND: lethe_status = 5;
pub const E_EXHAUSTED: lethe_status = 8;
pub const E_PRECONDITION: lethe_status = 9;
pub const E_UNIMPLEMENTED: lethe_status = 12;
pub const E_INTERNAL: lethe_status = 13;

pub const T_NONE: u32 = 0;
pub const T_BOOL: u32 = 1;
pub const T_INT: u32 = 2;
pub const T_FLOAT: u32 = 3;
pub const T_STR: u32 = 4;
pub const T_TENSOR: u32 = 5;
pub const T_INTS: u32 = 6;
pub const T_FLOATS: u32 = 7;
pub const T_TENSORS: u32 = 8;
pub const T_DTYPE: u32 = 9;

pub const DTYPE_INT64: i32 = 4;
pub const DTYPE_FLOAT32: i32 = 6;
pub const DTYPE_FLOAT64: i32 = 7;

pub const SET_FORGET: u32 = 1;
pub const SET_RETAIN: u32 = 2;
pub const TERM_NO_CLEAN_LOSS: u32 = 1;
pub const FORWARD_EVAL: u32 = 1;
pub const FORWARD_NO_GRAD: u32 = 2;
pub const GRAD_RETAIN_GRAPH: u32 = 1;
pub const GRAD_CREATE_GRAPH: u32 = 2;
pub const GRAD_ALLOW_UNUSED: u32 = 4;
pub const WALK_TRAIN: u32 = 1;
pub const WALK_STEP: u32 = 2;
pub const PASS_AUGMENT: u32 = 1;
pub const SET_TEST: u32 = 4;
pub const SET_VALIDATION: u32 = 8;
pub const RESULT_INTERVAL: u32 = 1;
pub const NOTE_MANIFEST: u32 = 0x4c54_0001;

macro_rules! handles { ($($name:ident $hidden:ident)*) => { $(
    #[repr(C)] pub struct $hidden { _private: [u8; 0] }
    pub type $name = *mut $hidden;
)* } }
handles! {
    lethe_tensor lethe_tensor_ lethe_op lethe_op_ lethe_rng lethe_rng_ lethe_model lethe_model_ lethe_ctx lethe_ctx_
    lethe_self lethe_self_
}

macro_rules! tables { ($($name:ident = $bytes:literal { $($field:ident: $type:ty,)* })*) => { $(
    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct $name { $(pub $field: $type,)* }
    const _: () = assert!(core::mem::size_of::<$name>() == $bytes, concat!(stringify!($name), " changed its size"));
    impl $name {
        /// All zero, which a reader takes for "not there".
        pub const ZERO: Self = {
            #[repr(C)]
            union Zero { bytes: [u8; $bytes], value: $name }
            // Numbers, raw pointers and `Option` of functions: zero is a value of each.
            unsafe { Zero { bytes: [0; $bytes] }.value }
        };
    }
)* } }

#[repr(C)]
#[derive(Clone, Copy)]
pub union lethe_payload {
    pub i: i64,
    pub f: f64,
    pub s: *const c_char,
    pub t: lethe_tensor,
    pub g: lethe_rng,
    pub is: *const i64,
    pub fs: *const f64,
    pub ts: *const lethe_tensor,
    pub raw: u64,
}

type error = *mut lethe_error;

tables! {
    lethe_value = 16 {
        tag: u32,
        count: u32,
        as_: lethe_payload,
    }
    lethe_error = 32 {
        size: u32,
        code: i32,
        message_cap: u32,
        message_len: u32,
        message: *mut c_char,
        detail: i64,
    }
    lethe_named_tensors = 24 {
        size: u32,
        count: u32,
        names: *const *const c_char,
        tensors: *const lethe_tensor,
    }
    lethe_progress = 56 {
        size: u32,
        reserved0: u32,
        step: i64,
        steps: i64,
        epoch: i64,
        epochs: i64,
        step_in_epoch: i64,
        steps_in_epoch: i64,
    }
    lethe_stream = 32 {
        size: u32,
        reserved0: u32,
        ctx: *mut c_void,
        read: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, u64) -> i64>,
        write: Option<unsafe extern "C" fn(*mut c_void, *const c_void, u64) -> i64>,
    }
    lethe_host = 32 {
        size: u32,
        abi_minor: u32,
        name: *const c_char,
        version: *const c_char,
        service: Option<unsafe extern "C" fn(*const lethe_host, *const c_char) -> *const c_void>,
    }
    lethe_core = 40 {
        size: u32,
        reserved0: u32,
        log: Option<unsafe extern "C" fn(lethe_ctx, i32, *const c_char)>,
        cancelled: Option<unsafe extern "C" fn(lethe_ctx) -> i32>,
        scratch: Option<unsafe extern "C" fn(lethe_ctx, u64, u64) -> *mut c_void>,
        report: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, *const lethe_value, error) -> lethe_status>,
    }
    lethe_tensors = 72 {
        size: u32,
        reserved0: u32,
        shape: Option<unsafe extern "C" fn(lethe_ctx, lethe_tensor, *mut i64, u32, *mut u32, error) -> lethe_status>,
        dtype: Option<unsafe extern "C" fn(lethe_ctx, lethe_tensor, *mut i32, error) -> lethe_status>,
        read: Option<unsafe extern "C" fn(lethe_ctx, lethe_tensor, i32, *mut c_void, u64, error) -> lethe_status>,
        make: Option<unsafe extern "C" fn(lethe_ctx, i32, *const i64, u32, *const c_void, u64, *mut lethe_tensor, error) -> lethe_status>,
        keep: Option<unsafe extern "C" fn(lethe_ctx, lethe_tensor, *mut lethe_tensor, error) -> lethe_status>,
        drop: Option<unsafe extern "C" fn(lethe_tensor)>,
        mark: Option<unsafe extern "C" fn(lethe_ctx) -> u64>,
        release_to: Option<unsafe extern "C" fn(lethe_ctx, u64, error) -> lethe_status>,
    }
    lethe_ops = 24 {
        size: u32,
        reserved0: u32,
        resolve: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, *mut lethe_op, error) -> lethe_status>,
        call: Option<unsafe extern "C" fn(lethe_ctx, lethe_op, *const lethe_value, u32, *mut lethe_value, u32, error) -> lethe_status>,
    }
    lethe_dlpack = 24 {
        size: u32,
        reserved0: u32,
        export_tensor: Option<unsafe extern "C" fn(lethe_ctx, lethe_tensor, *mut *mut c_void, error) -> lethe_status>,
        import_tensor: Option<unsafe extern "C" fn(lethe_ctx, *mut c_void, *mut lethe_tensor, error) -> lethe_status>,
    }
    lethe_autograd = 24 {
        size: u32,
        reserved0: u32,
        gradient: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_tensor, *const lethe_tensor, u32, *const lethe_tensor, u32, u32, *mut lethe_tensor, error) -> lethe_status>,
        set_no_grad: Option<unsafe extern "C" fn(lethe_ctx, i32) -> i32>,
    }
    lethe_rngs = 32 {
        size: u32,
        reserved0: u32,
        stream: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, *mut lethe_rng, error) -> lethe_status>,
        bits: Option<unsafe extern "C" fn(lethe_ctx, lethe_rng, *mut u32, u64, error) -> lethe_status>,
        generator: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, *mut lethe_rng, error) -> lethe_status>,
    }
    lethe_forward = 16 {
        size: u32,
        flags: u32,
        inputs: lethe_tensor,
    }
    lethe_models = 48 {
        size: u32,
        reserved0: u32,
        find: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, *mut lethe_model, error) -> lethe_status>,
        forward: Option<unsafe extern "C" fn(lethe_ctx, lethe_model, *const lethe_forward, *mut lethe_tensor, error) -> lethe_status>,
        parameters: Option<unsafe extern "C" fn(lethe_ctx, lethe_model, *mut lethe_named_tensors, error) -> lethe_status>,
        buffers: Option<unsafe extern "C" fn(lethe_ctx, lethe_model, *mut lethe_named_tensors, error) -> lethe_status>,
        resize: Option<unsafe extern "C" fn(lethe_ctx, lethe_model, *const c_char, lethe_tensor, error) -> lethe_status>,
    }
    lethe_task_info = 40 {
        size: u32,
        reserved0: u32,
        kind: *const c_char,
        classes: i64,
        forget: i64,
        retain: i64,
    }
    lethe_task_losses = 24 {
        size: u32,
        reserved0: u32,
        losses: lethe_tensor,
        timesteps: lethe_tensor,
    }
    lethe_task = 32 {
        size: u32,
        reserved0: u32,
        describe: Option<unsafe extern "C" fn(lethe_ctx, *mut lethe_task_info, error) -> lethe_status>,
        losses: Option<unsafe extern "C" fn(lethe_ctx, lethe_tensor, lethe_tensor, *mut lethe_tensor, error) -> lethe_status>,
        batch_losses: Option<unsafe extern "C" fn(lethe_ctx, lethe_model, *const lethe_batch, *mut lethe_task_losses, error) -> lethe_status>,
    }
    lethe_evaluate = 24 {
        size: u32,
        reserved0: u32,
        reference_loss: Option<unsafe extern "C" fn(lethe_ctx, u32, *mut f64, error) -> lethe_status>,
        reference_curve: Option<unsafe extern "C" fn(lethe_ctx, u32, *const i64, u32, *mut f64, error) -> lethe_status>,
    }
    lethe_diffusion_info = 48 {
        size: u32,
        reserved0: u32,
        timesteps: i64,
        dimensions: i64,
        conditions: i64,
        gamma: lethe_tensor,
        sigma: lethe_tensor,
    }
    lethe_denoise = 40 {
        size: u32,
        flags: u32,
        noisy: lethe_tensor,
        timesteps: lethe_tensor,
        conditions: lethe_tensor,
        guidance: f64,
    }
    lethe_diffusion = 56 {
        size: u32,
        reserved0: u32,
        describe: Option<unsafe extern "C" fn(lethe_ctx, *mut lethe_diffusion_info, error) -> lethe_status>,
        draw_timesteps: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, i64, u32, *mut lethe_tensor, error) -> lethe_status>,
        draw_noise: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, lethe_tensor, *mut lethe_tensor, error) -> lethe_status>,
        add_noise: Option<unsafe extern "C" fn(lethe_ctx, lethe_tensor, lethe_tensor, lethe_tensor, *mut lethe_tensor, error) -> lethe_status>,
        denoise: Option<unsafe extern "C" fn(lethe_ctx, lethe_model, *const lethe_denoise, *mut lethe_tensor, error) -> lethe_status>,
        losses: Option<unsafe extern "C" fn(lethe_ctx, lethe_tensor, lethe_tensor, *mut lethe_tensor, error) -> lethe_status>,
    }
    lethe_batch = 48 {
        size: u32,
        reserved0: u32,
        forget_count: i64,
        retain_count: i64,
        inputs: lethe_tensor,
        labels: lethe_tensor,
        indices: lethe_tensor,
    }
    lethe_term = 80 {
        size: u32,
        set: u32,
        name: *const c_char,
        coefficient: f64,
        losses: lethe_tensor,
        clean_losses: lethe_tensor,
        importance: lethe_tensor,
        timesteps: lethe_tensor,
        indices: lethe_tensor,
        penalty: lethe_tensor,
        flags: u32,
        reserved0: u32,
    }
    lethe_term_sink = 16 {
        size: u32,
        reserved0: u32,
        add: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_term, error) -> lethe_status>,
    }
    lethe_objective_in = 56 {
        size: u32,
        sets: u32,
        progress: *const lethe_progress,
        model: lethe_model,
        batches: *const lethe_batch,
        batch_count: u32,
        batch_stride: u32,
        schedule: *const c_char,
        micro_batch: u32,
        reserved0: u32,
    }
    lethe_objective = 16 {
        size: u32,
        reserved0: u32,
        terms: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_objective_in, *const lethe_term_sink, error) -> lethe_status>,
    }
    lethe_reweigh_in = 72 {
        size: u32,
        set: u32,
        progress: *const lethe_progress,
        term: *const c_char,
        count: i64,
        losses: lethe_tensor,
        clean_losses: lethe_tensor,
        importance: lethe_tensor,
        timesteps: lethe_tensor,
        indices: lethe_tensor,
    }
    lethe_reweighter = 16 {
        size: u32,
        reserved0: u32,
        weigh: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_reweigh_in, *mut lethe_tensor, error) -> lethe_status>,
    }
    lethe_walk = 24 {
        size: u32,
        flags: u32,
        batch: i64,
        guidance: f64,
    }
    lethe_mask = 32 {
        size: u32,
        reserved0: u32,
        begin: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_named_tensors, *mut lethe_walk, error) -> lethe_status>,
        accumulate: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_named_tensors, i64, error) -> lethe_status>,
        finish: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *mut lethe_tensor, u32, error) -> lethe_status>,
    }
    lethe_updater = 32 {
        size: u32,
        reserved0: u32,
        combine: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_progress, error) -> lethe_status>,
        after_step: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_progress, error) -> lethe_status>,
        scale_terms: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_progress, u32, *mut lethe_tensor, error) -> lethe_status>,
    }
    lethe_pass = 24 {
        size: u32,
        set: u32,
        flags: u32,
        reserved0: u32,
        batch: i64,
    }
    lethe_data = 24 {
        size: u32,
        reserved0: u32,
        batch: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_pass, i64, *mut lethe_batch, error) -> lethe_status>,
        progress: Option<unsafe extern "C" fn(lethe_ctx, i64, i64)>,
    }
    lethe_procedure_in = 16 {
        size: u32,
        reserved0: u32,
        model: lethe_model,
    }
    lethe_procedure = 16 {
        size: u32,
        reserved0: u32,
        run: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_procedure_in, error) -> lethe_status>,
    }
    lethe_metric_begin = 32 {
        size: u32,
        sets: u32,
        model: lethe_model,
        name: *const c_char,
        classes: i64,
    }
    lethe_metric_in = 72 {
        size: u32,
        set: u32,
        count: i64,
        labels: lethe_tensor,
        indices: lethe_tensor,
        outputs: lethe_tensor,
        losses: lethe_tensor,
        timesteps: lethe_tensor,
        inputs: lethe_tensor,
        samples: lethe_tensor,
    }
    lethe_result = 72 {
        size: u32,
        direction: u32,
        name: *const c_char,
        value: f64,
        unit: *const c_char,
        protocol: *const c_char,
        set: u32,
        flags: u32,
        lower: f64,
        upper: f64,
        samples: i64,
    }
    lethe_result_sink = 16 {
        size: u32,
        reserved0: u32,
        report: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_result, error) -> lethe_status>,
    }
    lethe_metric = 32 {
        size: u32,
        reserved0: u32,
        begin: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_metric_begin, error) -> lethe_status>,
        update: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_metric_in, error) -> lethe_status>,
        finish: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_result_sink, error) -> lethe_status>,
    }
    lethe_step_term = 32 {
        size: u32,
        set: u32,
        name: *const c_char,
        coefficient: f64,
        loss: lethe_tensor,
    }
    lethe_evaluation = 16 {
        size: u32,
        sets: u32,
        round: u32,
        flags: u32,
    }
    lethe_artifacts = 24 {
        size: u32,
        reserved0: u32,
        find: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, *mut lethe_tensor, u32, error) -> lethe_status>,
        store: Option<unsafe extern "C" fn(lethe_ctx, *const c_char, *const lethe_tensor, u32, error) -> lethe_status>,
    }
    lethe_steps = 88 {
        size: u32,
        reserved0: u32,
        count: Option<unsafe extern "C" fn(lethe_ctx, *mut u32, error) -> lethe_status>,
        term: Option<unsafe extern "C" fn(lethe_ctx, u32, *mut lethe_step_term, error) -> lethe_status>,
        gradient: Option<unsafe extern "C" fn(lethe_ctx, u32, *mut lethe_named_tensors, error) -> lethe_status>,
        set_direction: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_tensor, u32, error) -> lethe_status>,
        dot: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_tensor, *const lethe_tensor, u32, *mut lethe_tensor, error) -> lethe_status>,
        axpy: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_tensor, lethe_tensor, *const lethe_tensor, u32, *mut lethe_tensor, error) -> lethe_status>,
        learning_rate: Option<unsafe extern "C" fn(lethe_ctx, *mut f64, error) -> lethe_status>,
        evaluate: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_evaluation, error) -> lethe_status>,
        advance: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_tensor, u32, f64, u32, error) -> lethe_status>,
        restore: Option<unsafe extern "C" fn(lethe_ctx, error) -> lethe_status>,
    }
    lethe_create_info = 32 {
        size: u32,
        param_count: u32,
        host: *const lethe_host,
        params: *const lethe_value,
        strategy: *const lethe_strategy,
    }
    lethe_strategy = 88 {
        size: u32,
        state_version: u32,
        id: *const c_char,
        role: *const c_char,
        table: *const c_void,
        create: Option<unsafe extern "C" fn(lethe_ctx, *const lethe_create_info, *mut lethe_self, error) -> lethe_status>,
        destroy: Option<unsafe extern "C" fn(lethe_self)>,
        prepare: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, error) -> lethe_status>,
        finish: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, error) -> lethe_status>,
        save_state: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_stream, error) -> lethe_status>,
        load_state: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, u32, *const lethe_stream, error) -> lethe_status>,
        retune: Option<unsafe extern "C" fn(lethe_self, lethe_ctx, *const lethe_create_info, error) -> lethe_status>,
    }
    lethe_plugin = 40 {
        size: u32,
        strategy_count: u32,
        id: *const c_char,
        version: *const c_char,
        strategies: *const lethe_strategy,
        strategy_stride: u32,
        reserved0: u32,
    }
}
