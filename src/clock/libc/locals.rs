//! The calling thread's thread-locals, as plain words.

use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicU32;

/// Lets `look` see the thread-locals of every module of the program, each as a
/// block of words that this thread may read and write.
pub(in crate::clock) fn with_locals<T>(look: impl FnOnce(&[&[AtomicU32]]) -> T) -> T {
    let mut found: Vec<(usize, usize)> = Vec::new();
    // SAFETY: the callback takes what is handed on here, a list of this function's own.
    unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut found).cast()) };
    let word = size_of::<AtomicU32>();
    let blocks = found.into_iter().map(|(address, bytes)| {
        let start = address.next_multiple_of(word);
        let words = (address + bytes).saturating_sub(start) / word;
        // SAFETY: the loader has said that this is this thread's block of a
        // module, of that many bytes, which stays while the thread lives and the
        // module is loaded; this function's caller has nothing unloaded meanwhile.
        // Others reach into it atomically, if at all (see the contract).
        unsafe { std::slice::from_raw_parts(start as *const AtomicU32, words) }
    });
    look(&blocks.collect::<Vec<_>>())
}

/// Notes address and length of the calling thread's block of one module.
///
/// # Safety
///
/// As `dl_iterate_phdr` calls it, with a list of pairs for `found`.
unsafe extern "C" fn note(info: *mut libc::dl_phdr_info, size: usize, found: *mut c_void) -> c_int {
    // An older loader's description is shorter, and says nothing of thread-locals.
    if size < size_of::<libc::dl_phdr_info>() {
        return 0;
    }
    // SAFETY: the loader's own description, of that size, valid during the call;
    // and the list that was handed to it.
    let (info, found) = unsafe { (&*info, &mut *found.cast::<Vec<(usize, usize)>>()) };
    if info.dlpi_tls_data.is_null() || info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the module has as many program headers there.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    if let Some(header) = headers.iter().find(|header| header.p_type == libc::PT_TLS) {
        found.push((info.dlpi_tls_data as usize, header.p_memsz as usize));
    }
    0
}
