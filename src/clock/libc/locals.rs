//! Access to the calling thread's thread-locals as plain words.

use std::ffi::{c_int, c_void};
use std::sync::atomic::AtomicU32;

/// Calls `look` with the thread-locals of every loaded module, each as a block of words that this
/// thread may read and write.
pub(in crate::clock) fn with_locals<T>(look: impl FnOnce(&[&[AtomicU32]]) -> T) -> T {
    let mut found: Vec<(usize, usize)> = Vec::new();
    // SAFETY: the callback expects what is passed here, a list local to this function.
    unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut found).cast()) };
    let word = size_of::<AtomicU32>();
    let blocks = found.into_iter().map(|(address, bytes)| {
        let start = address.next_multiple_of(word);
        let words = (address + bytes).saturating_sub(start) / word;
        // SAFETY: the loader reported this block of that many bytes as this thread's, and the block
        // stays valid while the thread lives and the module is loaded; no caller unloads modules
        // meanwhile. Other threads access its words atomically, if at all (see the contract).
        unsafe { std::slice::from_raw_parts(start as *const AtomicU32, words) }
    });
    look(&blocks.collect::<Vec<_>>())
}

/// Appends the address and length of the calling thread's block of one module.
///
/// # Safety
///
/// Called by `dl_iterate_phdr`, with a list of pairs as `found`.
unsafe extern "C" fn note(info: *mut libc::dl_phdr_info, size: usize, found: *mut c_void) -> c_int {
    // The structure of an older loader is shorter and does not describe thread-locals.
    if size < size_of::<libc::dl_phdr_info>() {
        return 0;
    }
    // SAFETY: the loader's own structure, of that size, valid during the call; and the list that
    // was passed to the loader.
    let (info, found) = unsafe { (&*info, &mut *found.cast::<Vec<(usize, usize)>>()) };
    if info.dlpi_tls_data.is_null() || info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the module has that many program headers at this address.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    if let Some(header) = headers.iter().find(|header| header.p_type == libc::PT_TLS) {
        found.push((info.dlpi_tls_data as usize, header.p_memsz as usize));
    }
    0
}
