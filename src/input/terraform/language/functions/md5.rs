//! The MD5 digest of RFC 1321: for names only, it protects nothing.

/// Rotations by round.
const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

pub fn digest(bytes: &[u8]) -> Vec<u8> {
    let mut text = bytes.to_vec();
    text.push(0x80);
    while text.len() % 64 != 56 {
        text.push(0);
    }
    text.extend((bytes.len() as u64).wrapping_mul(8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in text.chunks_exact(64) {
        state = compress(state, block);
    }
    state.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn compress(state: [u32; 4], block: &[u8]) -> [u32; 4] {
    let word = |at: usize| {
        let bytes = block.get(at * 4..at * 4 + 4).unwrap_or_default();
        bytes
            .iter()
            .rev()
            .fold(0_u32, |word, byte| (word << 8) | u32::from(*byte))
    };
    let [mut a, mut b, mut c, mut d] = state;
    for step in 0..64_usize {
        let (mixed, at) = match step / 16 {
            0 => ((b & c) | (!b & d), step),
            1 => ((d & b) | (!d & c), (5 * step + 1) % 16),
            2 => (b ^ c ^ d, (3 * step + 5) % 16),
            _ => (c ^ (b | !d), (7 * step) % 16),
        };
        let shift = SHIFTS
            .get(step / 16)
            .and_then(|round| round.get(step % 4))
            .copied()
            .unwrap_or(0);
        let sum = a
            .wrapping_add(mixed)
            .wrapping_add(constant(step))
            .wrapping_add(word(at));
        a = d;
        d = c;
        c = b;
        b = b.wrapping_add(sum.rotate_left(shift));
    }
    let [a0, b0, c0, d0] = state;
    [
        a0.wrapping_add(a),
        b0.wrapping_add(b),
        c0.wrapping_add(c),
        d0.wrapping_add(d),
    ]
}

/// The whole part of `2^32 * |sin(step + 1)|`.
fn constant(step: usize) -> u32 {
    (4_294_967_296.0 * ((step + 1) as f64).sin().abs()) as u32
}
