package main

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
)

type callback struct {
	Device    string `json:"device"`
	Time      int64  `json:"time"`
	Data      string `json:"data"`
	SeqNumber int64  `json:"seqNumber"`
}

// A status as it is stored: device is Sigfox's id, 32 bits; time is in s; body is what the app reads.
type status struct {
	device    int64
	time, seq int64
	raw       [12]byte
	body      []byte
}

// read says whether the bytes are a callback with an EV frame.
func (s *status) read(bytes []byte) bool {
	var cb callback
	if json.Unmarshal(bytes, &cb) != nil || len(cb.Data) != 2*len(s.raw) {
		return false
	}
	device, err := strconv.ParseUint(cb.Device, 16, 32)
	if err != nil {
		return false
	}
	if _, err = hex.Decode(s.raw[:], []byte(cb.Data)); err != nil {
		return false
	}
	s.device, s.time, s.seq = int64(device), cb.Time, cb.SeqNumber
	s.write(cb.Device)
	return true
}

// write makes the body; no reflection, and the buffer of the status before it.
func (s *status) write(device string) {
	var n uint64
	for _, b := range s.raw[:8] {
		n = n<<8 | uint64(b)
	}
	to := append(s.body[:0], `{"timestamp":`...)
	to = strconv.AppendInt(to, s.time*1000, 10)
	to = append(append(append(to, `,"vehicleId":"`...), device...), `","connectivity":1`...)
	for _, field := range [...]struct {
		name  string
		value uint64
	}{
		{"state", n >> 61}, {"current_charge", n >> 54 & 127}, {"target_charge", n >> 47 & 127}, {"current", n >> 37 & 1023},
		{"elapsed_time", n >> 24 & 8191}, {"remain_time", n >> 11 & 8191}, {"range", n & 2047},
	} {
		to = append(append(append(to, `,"`...), field.name...), `":`...)
		to = strconv.AppendUint(to, field.value, 10)
	}
	to = append(to, `,"elec_consumption":`...)
	to = strconv.AppendFloat(to, half(uint16(s.raw[8])<<8|uint16(s.raw[9])), 'g', -1, 64)
	to = append(to, `,"indoor_temperature":`...)
	to = strconv.AppendFloat(to, half(uint16(s.raw[10])<<8|uint16(s.raw[11])), 'g', -1, 64)
	s.body = append(to, '}')
}

// half is IEEE 754 binary16; infinities and NaN are 0.
func half(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10)&31, float64(bits&1023)
	if bits>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		return 0
	}
	return sign * math.Ldexp(1+fraction/1024, exponent-15)
}
