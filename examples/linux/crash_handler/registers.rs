//! What differs between processors: the registers of the interrupted code, and what a call looks like.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "registers are words")]

/// Those that a stack walk needs, and all of them by name.
pub struct Registers {
    pub pc: usize,
    pub sp: usize,
    pub fp: usize,
    all: [usize; COUNT],
}

#[cfg(target_arch = "x86_64")]
const NAMES: [&str; COUNT] = [
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp", "rbx", "rdx", "rax", "rcx",
    "rsp", "rip",
];
#[cfg(target_arch = "x86_64")]
const COUNT: usize = 17;

#[cfg(target_arch = "aarch64")]
const NAMES: [&str; COUNT] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
    "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30",
    "sp", "pc",
];
#[cfg(target_arch = "aarch64")]
const COUNT: usize = 33;

impl Registers {
    #[cfg(target_arch = "x86_64")]
    pub fn of(context: &libc::ucontext_t) -> Self {
        let mut all = [0; COUNT];
        for (register, value) in all.iter_mut().zip(context.uc_mcontext.gregs) {
            *register = value as usize;
        }
        Self { pc: all[16], sp: all[15], fp: all[10], all }
    }

    #[cfg(target_arch = "aarch64")]
    pub fn of(context: &libc::ucontext_t) -> Self {
        let machine = &context.uc_mcontext;
        let mut all = [0; COUNT];
        for (register, value) in all.iter_mut().zip(machine.regs.into_iter().chain([machine.sp, machine.pc]))
        {
            *register = value as usize;
        }
        Self { pc: all[32], sp: all[31], fp: all[29], all }
    }

    pub fn each(&self, mut see: impl FnMut(&str, usize)) {
        NAMES.iter().zip(self.all).for_each(|(name, value)| see(name, value));
    }
}

/// Whether code ends with a call, so that the address behind it may be one to return to.
#[cfg(target_arch = "x86_64")]
pub fn ends_with_call(code: [u8; 8]) -> bool {
    // To an address in the instruction, in a variable, in a register, or in memory near one.
    matches!(code, [.., 0xE8, _, _, _, _] | [.., 0xFF, 0x15, _, _, _, _] | [.., 0xFF, 0xD0..=0xD7])
        || matches!(
            code,
            [.., 0xFF, 0x50..=0x57, _] | [.., 0xFF, 0x90..=0x97, _, _, _, _] | [.., 0xFF, 0x10..=0x17]
        )
}

/// Whether code ends with a call, so that the address behind it may be one to return to.
#[cfg(target_arch = "aarch64")]
pub fn ends_with_call([.., a, b, c, d]: [u8; 8]) -> bool {
    let instruction = u32::from_le_bytes([a, b, c, d]);
    instruction >> 26 == 0b10_0101 || instruction & 0xFFFF_FC1F == 0xD63F_0000
}
