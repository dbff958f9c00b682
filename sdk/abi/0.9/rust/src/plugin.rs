// SPDX-License-Identifier: Apache-2.0
//! The C tables of a plugin, made by the compiler from its types, the one exported symbol, and the manifest's note.

use crate::{call::*, failure::*, ffi::*, metric::*, model::*, step::*, strategy::*};
use std::os::raw::c_void;

struct Instance<M> {
    // Goes before the services do.
    method: M,
    services: Services,
}

unsafe fn answer<M: Strategy>(
    me: lethe_self, context: lethe_ctx, error: *mut lethe_error,
    body: impl for<'c> FnOnce(&mut M, Call<'c>) -> Result<()>,
) -> lethe_status {
    fenced(error, || {
        if me.is_null() || context.is_null() {
            return Err(Failure::new("a callback needs its instance and its context"));
        }
        let instance = &mut *(me as *mut Instance<M>);
        body(&mut instance.method, Call::new(context, &instance.services))
    })
}

unsafe extern "C" fn create<M: Strategy>(
    _: lethe_ctx, info: *const lethe_create_info, out: *mut lethe_self, error: *mut lethe_error,
) -> lethe_status {
    fenced(error, || {
        let info = snapshot(info, lethe_create_info::ZERO);
        if info.host.is_null() || out.is_null() {
            return Err(Failure::new("the host is older than this plugin"));
        }
        let method = M::new(&Parameters::new(&info))?;
        *out = Box::into_raw(Box::new(Instance { method, services: Services::new(info.host) })) as lethe_self;
        Ok(())
    })
}

unsafe extern "C" fn destroy<M>(me: lethe_self) {
    fenced(core::ptr::null_mut(), || {
        if !me.is_null() {
            drop(Box::from_raw(me as *mut Instance<M>));
        }
        Ok(())
    });
}

unsafe extern "C" fn prepare<M: Strategy>(me: lethe_self, context: lethe_ctx, error: *mut lethe_error) -> lethe_status {
    answer::<M>(me, context, error, |method, call| method.prepare(call))
}

unsafe extern "C" fn finish<M: Strategy>(me: lethe_self, context: lethe_ctx, error: *mut lethe_error) -> lethe_status {
    answer::<M>(me, context, error, |method, call| method.finish(call))
}

unsafe extern "C" fn retune<M: Strategy>(
    me: lethe_self, context: lethe_ctx, info: *const lethe_create_info, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, _| {
        method.retune(&Parameters::new(&snapshot(info, lethe_create_info::ZERO)))
    })
}

unsafe extern "C" fn save<M: Strategy>(
    me: lethe_self, context: lethe_ctx, out: *const lethe_stream, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        let state = method.save(call)?;
        let stream = snapshot(out, lethe_stream::ZERO);
        let write = offered(stream.write, "a stream")?;
        let mut done = 0;
        while done < state.len() {
            let wrote = write(stream.ctx, state.as_ptr().add(done) as *const c_void, (state.len() - done) as u64);
            if wrote <= 0 {
                return Err(Failure::new("the state cannot be written"));
            }
            done += wrote as usize;
        }
        Ok(())
    })
}

unsafe extern "C" fn load<M: Strategy>(
    me: lethe_self, context: lethe_ctx, version: u32, from: *const lethe_stream, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        let stream = snapshot(from, lethe_stream::ZERO);
        let read = offered(stream.read, "a stream")?;
        let (mut state, mut piece) = (Vec::new(), [0u8; 4096]);
        loop {
            match read(stream.ctx, piece.as_mut_ptr() as *mut c_void, piece.len() as u64) {
                0 => break,
                count if count < 0 => return Err(Failure::new("the state cannot be read")),
                count => state.extend_from_slice(&piece[..count as usize]),
            }
        }
        method.load(version, &state, call)
    })
}

unsafe extern "C" fn terms<M: Objective>(
    me: lethe_self, context: lethe_ctx, input: *const lethe_objective_in, sink: *const lethe_term_sink,
    error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        for term in method.terms(&Step::new(input, call)?, call)? {
            term.add(sink, call)?;
        }
        Ok(())
    })
}

unsafe extern "C" fn weigh<M: Reweighter>(
    me: lethe_self, context: lethe_ctx, input: *const lethe_reweigh_in, weights: *mut lethe_tensor,
    error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        if let Some(found) = method.weights(&SeenTerm::new(input, call)?, call)? {
            *weights = found.handle();
        }
        Ok(())
    })
}

unsafe extern "C" fn begin<M: Mask>(
    me: lethe_self, context: lethe_ctx, parameters: *const lethe_named_tensors, walk: *mut lethe_walk,
    error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        let list = tensors(call, &snapshot(parameters, lethe_named_tensors::ZERO));
        let list: Vec<_> = list.into_iter().flatten().collect();
        let flags = (*walk).flags;
        let (trains, steps) = (flags & WALK_TRAIN != 0, flags & WALK_STEP != 0);
        let mut wanted = Walk { batch: (*walk).batch, trains, steps };
        method.begin(&list, &mut wanted, call)?;
        (*walk).batch = wanted.batch;
        (*walk).flags = flags & !(WALK_TRAIN | WALK_STEP)
            | if wanted.trains { WALK_TRAIN } else { 0 }
            | if wanted.steps { WALK_STEP } else { 0 };
        Ok(())
    })
}

unsafe extern "C" fn accumulate<M: Mask>(
    me: lethe_self, context: lethe_ctx, gradients: *const lethe_named_tensors, count: i64, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        method.accumulate(&tensors(call, &snapshot(gradients, lethe_named_tensors::ZERO)), count, call)
    })
}

unsafe extern "C" fn scores<M: Mask>(
    me: lethe_self, context: lethe_ctx, out: *mut lethe_tensor, count: u32, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        let found = method.scores(call)?;
        if found.len() != count as usize {
            return Err(Failure::new(format!("{} score tensors for {} parameters", found.len(), count)));
        }
        for (index, score) in found.iter().enumerate() {
            *out.add(index) = score.handle();
        }
        Ok(())
    })
}

unsafe extern "C" fn combine<M: Updater>(
    me: lethe_self, context: lethe_ctx, progress: *const lethe_progress, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| method.combine(Progress::new(progress), call))
}

unsafe extern "C" fn after_step<M: Updater>(
    me: lethe_self, context: lethe_ctx, progress: *const lethe_progress, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| method.after_step(Progress::new(progress), call))
}

unsafe extern "C" fn run<M: Procedure>(
    me: lethe_self, context: lethe_ctx, input: *const lethe_procedure_in, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        method.run(Model::new(snapshot(input, lethe_procedure_in::ZERO).model, call), call)
    })
}

unsafe extern "C" fn begin_metric<M: Metric>(
    me: lethe_self, context: lethe_ctx, input: *const lethe_metric_begin, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| method.begin(&MeasuredModel::new(input, call), call))
}

unsafe extern "C" fn update_metric<M: Metric>(
    me: lethe_self, context: lethe_ctx, input: *const lethe_metric_in, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| method.update(&MeasuredBatch::new(input, call), call))
}

unsafe extern "C" fn finish_metric<M: Metric>(
    me: lethe_self, context: lethe_ctx, sink: *const lethe_result_sink, error: *mut lethe_error,
) -> lethe_status {
    answer::<M>(me, context, error, |method, call| {
        for result in method.results(call)? {
            result.report(sink, call)?;
        }
        Ok(())
    })
}

const fn size<T>() -> u32 {
    core::mem::size_of::<T>() as u32
}

/// The tables of a type's roles; a reference to one is constant data.
struct Tables<M>(core::marker::PhantomData<M>);
impl<M: Objective> Tables<M> {
    const OBJECTIVE: lethe_objective =
        lethe_objective { size: size::<lethe_objective>(), reserved0: 0, terms: Some(terms::<M>) };
}
impl<M: Reweighter> Tables<M> {
    const REWEIGHTER: lethe_reweighter =
        lethe_reweighter { size: size::<lethe_reweighter>(), reserved0: 0, weigh: Some(weigh::<M>) };
}
impl<M: Mask> Tables<M> {
    const MASK: lethe_mask = lethe_mask {
        size: size::<lethe_mask>(),
        reserved0: 0,
        begin: Some(begin::<M>),
        accumulate: Some(accumulate::<M>),
        finish: Some(scores::<M>),
    };
}
impl<M: Updater> Tables<M> {
    const UPDATER: lethe_updater = lethe_updater {
        size: size::<lethe_updater>(),
        reserved0: 0,
        combine: if M::COMBINES { Some(combine::<M>) } else { None },
        after_step: if M::ACTS_AFTER { Some(after_step::<M>) } else { None },
        scale_terms: None,
    };
}
impl<M: Procedure> Tables<M> {
    const PROCEDURE: lethe_procedure =
        lethe_procedure { size: size::<lethe_procedure>(), reserved0: 0, run: Some(run::<M>) };
}

impl<M: Metric> Tables<M> {
    const METRIC: lethe_metric = lethe_metric {
        size: size::<lethe_metric>(),
        reserved0: 0,
        begin: Some(begin_metric::<M>),
        update: Some(update_metric::<M>),
        finish: Some(finish_metric::<M>),
    };
}

const fn strategy<M: Strategy>(id: *const u8, role: &'static str, table: *const c_void) -> lethe_strategy {
    let stateful = M::STATE_VERSION != 0;
    lethe_strategy {
        size: size::<lethe_strategy>(),
        state_version: M::STATE_VERSION,
        id: id as *const c_char,
        role: role.as_ptr() as *const c_char,
        table,
        create: Some(create::<M>),
        destroy: Some(destroy::<M>),
        prepare: Some(prepare::<M>),
        finish: Some(finish::<M>),
        save_state: if stateful { Some(save::<M>) } else { None },
        load_state: if stateful { Some(load::<M>) } else { None },
        retune: if M::TUNABLE { Some(retune::<M>) } else { None },
    }
}

macro_rules! entries { ($($(#[$doc:meta])* $name:ident $role:ident $table:ident $id:literal;)*) => { $(
    $(#[$doc])*
    pub const fn $name<M: $role>(id: *const u8) -> lethe_strategy {
        strategy::<M>(id, concat!($id, "\0"), &Tables::<M>::$table as *const _ as *const c_void)
    }
)* } }
entries! {
    /// For [`plugin!`].
    objective Objective OBJECTIVE "lethe.objective/1";
    /// For [`plugin!`].
    reweighter Reweighter REWEIGHTER "lethe.reweighter/1";
    /// For [`plugin!`].
    mask Mask MASK "lethe.mask/1";
    /// For [`plugin!`].
    updater Updater UPDATER "lethe.updater/1";
    /// For [`plugin!`].
    procedure Procedure PROCEDURE "lethe.procedure/1";
    /// For [`plugin!`].
    metric Metric METRIC "lethe.metric/1";
}

/// Constant data that holds pointers.
#[repr(transparent)]
pub struct Shared<T>(pub T);
// Made by `plugin!` from constants only, and never written.
unsafe impl<T> Sync for Shared<T> {}

/// The body of the plugin's one exported function.
///
/// # Safety
/// The pointers are what the host gave.
pub unsafe fn enter(
    plugin: &'static Shared<lethe_plugin>, host: *const lethe_host, out: *mut *const lethe_plugin,
    error: *mut lethe_error,
) -> lethe_status {
    fenced(error, || {
        if out.is_null() || snapshot(host, lethe_host::ZERO).service.is_none() {
            return Err(Failure::new("the host is older than this plugin"));
        }
        *out = &plugin.0;
        Ok(())
    })
}

/// Makes the plugin's tables and its exported function. Once in a library:
///
/// ```ignore
/// lethe::plugin!("org.example.scrub", "1.0.0", reweighter Scrub "org.example.scrub");
/// ```
#[macro_export]
macro_rules! plugin {
    ($id:literal, $version:literal, $($role:ident $method:ty, $strategy:literal);+ $(;)?) => {
        /// The plugin's one exported function.
        ///
        /// # Safety
        /// The host calls it.
        #[no_mangle]
        pub unsafe extern "C" fn lethe_plugin_abi1(
            host: *const $crate::ffi::lethe_host, out: *mut *const $crate::ffi::lethe_plugin,
            error: *mut $crate::ffi::lethe_error,
        ) -> $crate::ffi::lethe_status {
            use $crate::ffi::{lethe_plugin, lethe_strategy};
            const COUNT: usize = [$($strategy),+].len();
            static STRATEGIES: $crate::Shared<[lethe_strategy; COUNT]> =
                $crate::Shared([$($crate::$role::<$method>(concat!($strategy, "\0").as_ptr())),+]);
            static PLUGIN: $crate::Shared<lethe_plugin> = $crate::Shared(lethe_plugin {
                size: core::mem::size_of::<lethe_plugin>() as u32,
                strategy_count: COUNT as u32,
                id: concat!($id, "\0").as_ptr() as *const $crate::ffi::c_char,
                version: concat!($version, "\0").as_ptr() as *const $crate::ffi::c_char,
                strategies: &STRATEGIES as *const _ as *const lethe_strategy,
                strategy_stride: core::mem::size_of::<lethe_strategy>() as u32,
                reserved0: 0,
            });
            $crate::enter(&PLUGIN, host, out, error)
        }
    };
}

/// The note that holds a manifest of N - 1 bytes, a zero, and padding behind it.
#[repr(C, align(4))]
pub struct Note<const N: usize> {
    owner_size: u32,
    text_size: u32,
    kind: u32,
    owner: [u8; 8],
    text: [u8; N],
}

/// For [`manifest!`].
pub const fn note<const N: usize>(text: &str) -> Note<N> {
    let (bytes, mut copy, mut index) = (text.as_bytes(), [0; N], 0);
    assert!(N == bytes.len() + 1, "a note holds its text and a zero");
    while index < bytes.len() {
        copy[index] = bytes[index];
        index += 1;
    }
    Note { owner_size: 6, text_size: N as u32, kind: NOTE_MANIFEST, owner: *b"lethe\0\0\0", text: copy }
}

/// Puts the manifest into the library, where the host reads it without running a line: `lethe::manifest!(include_str!(…));`
#[macro_export]
macro_rules! manifest {
    ($text:expr) => {
        #[used]
        #[link_section = ".note.lethe.manifest"]
        static LETHE_MANIFEST: $crate::Note<{ $text.len() + 1 }> = $crate::note($text);
    };
}
