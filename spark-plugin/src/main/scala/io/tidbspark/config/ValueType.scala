package io.tidbspark.config

import java.util.Locale

import scala.util.Try

/**
 * How the text of a setting becomes a value.
 *
 * @param name what the documentation calls the type, with its unit
 * @param allowed what is allowed, for messages
 * @param parse the value, or None when the text is not allowed; gets trimmed text that is not empty
 */
final case class ValueType[T](name: String, allowed: String, parse: String => Option[T])

object ValueType {
  val Text: ValueType[String] = ValueType("text", "any text", text => Some(text))

  val Bool: ValueType[Boolean] = ValueType(
    "boolean",
    "true or false",
    text =>
      text.toLowerCase(Locale.ROOT) match {
        case "true" => Some(true)
        case "false" => Some(false)
        case _ => None
      }
  )

  /** A whole number from `min` to `max`, both included. */
  def int(min: Int, max: Int): ValueType[Int] =
    ValueType("integer", s"a whole number from $min to $max", text => Try(text.toInt).toOption.filter(n => n >= min && n <= max))

  /** A whole number from `min` to `max`, both included. */
  def long(name: String, min: Long, max: Long): ValueType[Long] =
    ValueType(name, s"a whole number from $min to $max", text => Try(text.toLong).toOption.filter(n => n >= min && n <= max))

  private val Quantity = """(\d{1,18})\s*([a-zA-Z]*)""".r

  private val ByteUnits: Map[String, Long] =
    Map(
      "" -> 0,
      "b" -> 0,
      "k" -> 10,
      "kb" -> 10,
      "kib" -> 10,
      "m" -> 20,
      "mb" -> 20,
      "mib" -> 20,
      "g" -> 30,
      "gb" -> 30,
      "gib" -> 30
    )
      .map { case (unit, shift) => unit -> (1L << shift) }

  private val DurationUnits: Map[String, Long] =
    Map("ms" -> 1L, "s" -> 1000L, "sec" -> 1000L, "m" -> 60000L, "min" -> 60000L, "h" -> 3600000L)

  /** Bytes, as `64m` or `65536`; powers of 1024 as everywhere in Spark. */
  def bytes(min: Long, max: Long): ValueType[Long] =
    ValueType("bytes", s"a size such as 64m, from ${formatBytes(min)} to ${formatBytes(max)}", quantity(_, ByteUnits, min, max))

  /** Milliseconds, as `60s` or `10min`; a unit is needed. */
  def duration(minMillis: Long, maxMillis: Long): ValueType[Long] =
    ValueType(
      "duration",
      s"a duration such as 500ms, 60s, 10min or 1h, from ${formatDuration(minMillis)} to ${formatDuration(maxMillis)}",
      quantity(_, DurationUnits, minMillis, maxMillis)
    )

  /** One word of several, without regard to case. */
  def choice[T](values: (String, T)*): ValueType[T] =
    ValueType(
      "choice",
      values.map(_._1).mkString(", "),
      text => values.collectFirst { case (word, value) if word.equalsIgnoreCase(text) => value }
    )

  /** A list between commas; empty items are dropped. */
  val TextList: ValueType[Seq[String]] =
    ValueType("list", "words between commas", text => Some(text.split(',').iterator.map(_.trim).filter(_.nonEmpty).toList))

  /** Several of the words, without regard to case, each once. */
  def words(allowed: String*): ValueType[Seq[String]] = ValueType(
    "list",
    s"words between commas of ${allowed.mkString(", ")}",
    text => {
      val items = text.split(',').iterator.map(_.trim.toLowerCase(Locale.ROOT)).filter(_.nonEmpty).toList
      if (items.nonEmpty && items.forall(allowed.contains) && items.distinct == items) Some(items) else None
    }
  )

  private val HostPort = """(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5})""".r

  /** `host:port` between commas. */
  val Addresses: ValueType[Seq[String]] = ValueType(
    "addresses",
    "host:port between commas, such as pd0:2379,pd1:2379 (an IPv6 host in brackets)",
    text => {
      val items = text.split(',').iterator.map(_.trim).filter(_.nonEmpty).toList
      val good = items.forall {
        case HostPort(_, port) => port.toInt > 0 && port.toInt <= 65535
        case _ => false
      }
      if (good && items.nonEmpty) Some(items) else None
    }
  )

  /** `from:to;from:to` between hosts as TiSpark had it, or `from=to` when a side has a port. */
  val HostMapping: ValueType[Map[String, String]] = ValueType(
    "mapping",
    "from:to between semicolons, such as 10.0.0.1:203.0.113.1;tikv0:20160=localhost:31160 (use = where a side has a port)",
    text => {
      val pairs = text
        .split(';')
        .iterator
        .map(_.trim)
        .filter(_.nonEmpty)
        .map { item =>
          (if (item.contains('=')) item.split("=", -1) else item.split(":", -1)).map(_.trim)
        }
        .toList
      if (pairs.forall(pair => pair.length == 2 && pair.forall(_.nonEmpty))) Some(pairs.map(pair => pair(0) -> pair(1)).toMap)
      else None
    }
  )

  private def quantity(text: String, units: Map[String, Long], min: Long, max: Long): Option[Long] = text match {
    case Quantity(number, unit) =>
      units
        .get(unit.toLowerCase(Locale.ROOT))
        .flatMap(factor => Try(Math.multiplyExact(number.toLong, factor)).toOption)
        .filter(n => n >= min && n <= max)
    case _ => None
  }

  /** The shortest text that [[bytes]] reads back. */
  def formatBytes(n: Long): String =
    Seq("g" -> 30, "m" -> 20, "k" -> 10)
      .collectFirst { case (unit, shift) if n >= (1L << shift) && n % (1L << shift) == 0 => s"${n >> shift}$unit" }
      .getOrElse(n.toString)

  /** The shortest text that [[duration]] reads back. */
  def formatDuration(millis: Long): String =
    Seq("h" -> 3600000L, "min" -> 60000L, "s" -> 1000L)
      .collectFirst { case (unit, factor) if millis >= factor && millis % factor == 0 => s"${millis / factor}$unit" }
      .getOrElse(s"${millis}ms")
}
