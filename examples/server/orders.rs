//! What the server does: `POST /totals` with a list of orders gives the number and the sum of the orders of each city,
//! the largest sum first. Written once; whose memory it takes is the caller's choice.

use crate::json::Value;
use allocator_api2::alloc::Allocator;
use allocator_api2::vec::Vec as VecIn;
use hashbrown::{DefaultHashBuilder, HashMap};
use std::io::{self, Write};

/// The reply to a request, all of HTTP included.
pub fn reply<A: Allocator + Copy>(head: &[u8], body: &[u8], memory: A) -> io::Result<VecIn<u8, A>> {
    let (status, content) = if head.starts_with(b"POST /totals ") {
        match Value::parse(body, memory).and_then(|orders| totals(&orders, memory)) {
            Some(content) => ("200 OK", content),
            None => ("400 Bad Request", VecIn::new_in(memory)),
        }
    } else {
        ("404 Not Found", VecIn::new_in(memory))
    };
    let mut reply = VecIn::new_in(memory);
    write!(reply, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", content.len())?;
    reply.extend_from_slice(&content);
    Ok(reply)
}

/// `None` if these are no orders.
fn totals<A: Allocator + Copy>(orders: &Value<A>, memory: A) -> Option<VecIn<u8, A>> {
    let mut cities = HashMap::with_hasher_in(DefaultHashBuilder::default(), memory);
    let orders = orders.list()?;
    for order in orders {
        let (count, sum) = cities.entry(order.get("city")?.text()?).or_insert((0, 0.0));
        *count += 1;
        *sum += order.get("amount")?.number()?;
    }
    let mut ranking = VecIn::new_in(memory);
    ranking.extend(cities);
    ranking.sort_unstable_by(|(city, (_, sum)), (other_city, (_, other))| {
        other.total_cmp(sum).then_with(|| city.cmp(other_city))
    });

    let mut content = VecIn::new_in(memory);
    let total: f64 = ranking.iter().map(|(_, (_, sum))| sum).sum();
    write!(content, "{{\"orders\":{},\"total\":{total},\"cities\":[", orders.len()).ok()?;
    for (index, (city, (count, sum))) in ranking.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let city = city.escape_ascii(); // as in JSON, for all that a city is called
        write!(content, "{comma}{{\"city\":\"{city}\",\"orders\":{count},\"total\":{sum}}}").ok()?;
    }
    content.extend_from_slice(b"]}");
    Some(content)
}
