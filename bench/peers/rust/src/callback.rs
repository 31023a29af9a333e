//! A callback's body → the status to be stored.
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Callback<'a> {
    device: &'a str,
    time: i64,
    data: &'a str,
    #[serde(rename = "seqNumber")]
    seq: i64,
}

#[derive(Serialize)]
struct Document<'a> {
    timestamp: i64,
    #[serde(rename = "vehicleId")]
    vehicle: &'a str,
    connectivity: u8,
    state: u64,
    current_charge: u64,
    target_charge: u64,
    current: u64,
    elapsed_time: u64,
    remain_time: u64,
    range: u64,
    elec_consumption: f64,
    indoor_temperature: f64,
}

/// `device` is Sigfox's id, 32 bits; `time` is in s; `body` is what the app reads.
pub struct Status {
    pub device: u32,
    pub time: i64,
    pub seq: i64,
    pub raw: [u8; 12],
    pub body: String,
}

/// None for whatever is no callback with an EV frame.
pub fn status(bytes: &[u8]) -> Option<Status> {
    let callback: Callback = serde_json::from_slice(bytes).ok()?;
    let device = u32::from_str_radix(callback.device, 16).ok()?;
    let mut raw = [0; 12];
    hex::decode_to_slice(callback.data, &mut raw).ok()?;
    let body = document(callback.device, callback.time, &raw);
    Some(Status { device, time: callback.time, seq: callback.seq, raw, body })
}

pub fn document(vehicle: &str, time: i64, raw: &[u8; 12]) -> String {
    let bits = u64::from_be_bytes(raw[..8].try_into().unwrap());
    serde_json::to_string(&Document {
        timestamp: time * 1000,
        vehicle,
        connectivity: 1,
        state: bits >> 61,
        current_charge: bits >> 54 & 127,
        target_charge: bits >> 47 & 127,
        current: bits >> 37 & 1023,
        elapsed_time: bits >> 24 & 8191,
        remain_time: bits >> 11 & 8191,
        range: bits & 2047,
        elec_consumption: half(u16::from_be_bytes([raw[8], raw[9]])),
        indoor_temperature: half(u16::from_be_bytes([raw[10], raw[11]])),
    })
    .unwrap()
}

/// IEEE 754 binary16; infinities and NaN are 0.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 => 0.0,
        _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}
