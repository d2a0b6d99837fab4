package io.tidbspark

import java.time.Instant

import scala.util.Try

/** The moment that a table's schema and rows are read at. Chosen once, when a statement is analysed. */
sealed trait ReadTimestamp {
  def toProto: proto.ReadTimestamp
}

object ReadTimestamp {

  /** The present: one fresh timestamp of PD for all tables of a statement, taken when it runs. */
  case object Latest extends ReadTimestamp {
    override def toProto: proto.ReadTimestamp = proto.ReadTimestamp.getDefaultInstance
    override def toString: String = "latest"
  }

  /** Milliseconds since 1970 UTC. */
  final case class Millis(millis: Long) extends ReadTimestamp {

    /** The first timestamp of the millisecond. Milliseconds have 46 bits in a TSO; who makes one checks that they fit. */
    def tso: Long = millis << LogicalBits
    override def toProto: proto.ReadTimestamp = proto.ReadTimestamp.newBuilder().setMillis(millis).build()
    override def toString: String = s"${Instant.ofEpochMilli(millis)}, $millis ms"
  }

  /** A timestamp as PD gives them: milliseconds << 18 and a counter. */
  final case class Tso(tso: Long) extends ReadTimestamp {
    override def toProto: proto.ReadTimestamp = proto.ReadTimestamp.newBuilder().setTso(tso).build()
    override def toString: String = s"TSO $tso"
  }

  /** Bits of the counter within a millisecond. */
  val LogicalBits = 18

  /** Milliseconds have 46 bits in a TSO. */
  val MaxMillis: Long = (1L << 46) - 1

  /** `VERSION AS OF`. */
  def ofVersion(version: String): ReadTimestamp =
    Try(version.trim.toLong).toOption
      .filter(_ > 0)
      .map(Tso)
      .getOrElse(throw new IllegalArgumentException(s"VERSION AS OF '$version': a version is a TSO, a whole number over 0"))

  /** `TIMESTAMP AS OF`; Spark gives microseconds. Rounded down, so that nothing later than asked for is seen. */
  def ofMicros(micros: Long): ReadTimestamp = {
    val millis = Math.floorDiv(micros, 1000L)
    if (millis <= 0 || millis > MaxMillis) {
      throw new IllegalArgumentException(
        s"TIMESTAMP AS OF: $millis ms since 1970 is outside what a TSO can hold (1 to $MaxMillis)"
      )
    }
    Millis(millis)
  }
}
