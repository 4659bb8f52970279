//! Lists in statements.
//!
//! Each text of a statement is prepared once and kept. A list of any length would make a text for each length; so a
//! list is given one of few lengths, the powers of two.

use ::mysql::Value;

/// `a, b, c, …` repeated: `repeated("(?, ?)", 2)` is `(?, ?), (?, ?)`.
pub(super) fn repeated(item: &str, times: usize) -> String {
    let mut text = String::with_capacity((item.len() + 2) * times);
    for place in 0..times {
        if place > 0 {
            text.push_str(", ");
        }
        text.push_str(item);
    }
    text
}

/// The parameters of a list that may name an item twice, such as `IN (…)`: made longer, up to a power of two, by
/// repeating the last item. `items` is not empty. Returns the length.
pub(super) fn padded<T>(
    items: &[T],
    params: &mut Vec<Value>,
    mut push: impl FnMut(&T, &mut Vec<Value>),
) -> usize {
    let length = items.len().next_power_of_two();
    for item in items.iter().chain(std::iter::repeat_n(&items[items.len() - 1], length - items.len())) {
        push(item, params);
    }
    length
}

/// How many of `waiting` things go into the next statement that must not name a thing twice: a power of two, of at
/// most `limit`, which is one itself.
pub(super) fn portion(waiting: usize, limit: usize) -> usize {
    debug_assert!(waiting > 0 && limit.is_power_of_two());
    if waiting >= limit { limit } else { 1 << waiting.ilog2() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_to_powers_of_two() {
        for (items, expected) in [(1, 1), (2, 2), (3, 4), (5, 8), (128, 128), (129, 256)] {
            let items: Vec<u64> = (1..=items).collect();
            let mut params = Vec::new();
            let length = padded(&items, &mut params, |item, params| params.push(Value::UInt(*item)));
            assert_eq!((length, params.len()), (expected, expected));
            assert_eq!(params.last(), Some(&Value::UInt(items.len() as u64)));
        }
    }

    #[test]
    fn portions_add_up() {
        let mut portions = Vec::new();
        let mut waiting = 200 + 256;
        while waiting > 0 {
            portions.push(portion(waiting, 256));
            waiting -= portions[portions.len() - 1];
        }
        assert_eq!(portions, [256, 128, 64, 8]);
    }

    #[test]
    fn repeats() {
        assert_eq!(repeated("?", 1), "?");
        assert_eq!(repeated("(?, ?)", 3), "(?, ?), (?, ?), (?, ?)");
    }
}
