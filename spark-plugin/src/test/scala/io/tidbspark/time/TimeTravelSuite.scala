package io.tidbspark.time

import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.scalatest.funsuite.AnyFunSuite

import io.tidbspark.compat.Converters._
import io.tidbspark.{ReadTimestamp, TableContext, proto}

class TimeTravelSuite extends AnyFunSuite {
  private def options(entries: (String, String)*) = TimeTravel.ofOptions(new CaseInsensitiveStringMap(entries.toMap.asJava))

  private def inZone[T](zone: String)(body: => T): T = {
    val conf = new SQLConf
    conf.setConf(SQLConf.SESSION_LOCAL_TIMEZONE, zone)
    SQLConf.withExistingConf(conf)(body)
  }

  test("versions and timestamps as options") {
    assert(options().isEmpty)
    assert(options("VERSIONASOF" -> "449999999999999999").contains(ReadTimestamp.Tso(449999999999999999L)))
    assert(options("timestampAsOf" -> "2024-03-10T07:30:00.123Z").contains(ReadTimestamp.Millis(1710055800123L)))
    assert(
      intercept[IllegalArgumentException](options("timestampAsOf" -> "1", "versionAsOf" -> "1")).getMessage.contains("not both")
    )
    Seq("yesterday", "", "2024-13-01", "1651766410000").foreach { text =>
      assert(intercept[IllegalArgumentException](options("timestampAsOf" -> text)).getMessage.contains(s"'$text'"))
    }
    intercept[IllegalArgumentException](options("versionAsOf" -> "-1"))
  }

  test("a timestamp without a zone is of the session's, across changes of the clocks") {
    // New York goes from -05:00 to -04:00 at 2024-03-10 07:00 UTC, and back on 2024-11-03 at 06:00 UTC.
    val cases = Seq(
      ("America/New_York", "2024-03-10 01:59:59.999", "2024-03-10T06:59:59.999Z"),
      ("America/New_York", "2024-03-10 03:00:00", "2024-03-10T07:00:00Z"),
      ("America/New_York", "2024-11-03 00:59:59", "2024-11-03T04:59:59Z"),
      ("America/New_York", "2024-11-03 02:00:00", "2024-11-03T07:00:00Z"),
      ("Asia/Kolkata", "2024-03-10 12:00:00", "2024-03-10T06:30:00Z"),
      ("UTC", "2024-03-10 12:00:00", "2024-03-10T12:00:00Z")
    )
    cases.foreach { case (zone, local, utc) =>
      assert(inZone(zone)(options("timestampAsOf" -> local)) == options("timestampAsOf" -> utc), s"$local in $zone")
    }
  }
}
