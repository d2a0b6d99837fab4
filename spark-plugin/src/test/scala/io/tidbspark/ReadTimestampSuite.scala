package io.tidbspark

import org.scalatest.funsuite.AnyFunSuite

class ReadTimestampSuite extends AnyFunSuite {
  test("versions are TSOs") {
    assert(ReadTimestamp.ofVersion(" 449999999999999999 ") == ReadTimestamp.Tso(449999999999999999L))
    Seq("", "0", "-5", "1.5", "v1", "99999999999999999999").foreach { text =>
      assert(intercept[IllegalArgumentException](ReadTimestamp.ofVersion(text)).getMessage.contains(s"'$text'"))
    }
  }

  test("timestamps are rounded down to milliseconds and must fit a TSO") {
    assert(ReadTimestamp.ofMicros(1700000000123999L) == ReadTimestamp.Millis(1700000000123L))
    Seq(0L, -1L, 999L, (1L << 46) * 1000).foreach(micros => intercept[IllegalArgumentException](ReadTimestamp.ofMicros(micros)))
  }

  test("on the wire: latest is neither") {
    assert(ReadTimestamp.Latest.toProto.getAtCase.getNumber == 0)
    assert(ReadTimestamp.Millis(5).toProto.getMillis == 5)
    assert(ReadTimestamp.Tso(6).toProto.getTso == 6)
  }
}
