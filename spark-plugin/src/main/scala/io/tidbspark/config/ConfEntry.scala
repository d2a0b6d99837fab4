package io.tidbspark.config

import java.util.Locale

/** Where a setting may be given. */
sealed abstract class Scope(val title: String)

object Scope {

  /** `spark.read.option(name, value)`, also for tables of a catalog. */
  case object ReadOption extends Scope("option of a read")

  /** `df.writeTo(table).option(name, value)` and `df.write.option(name, value)`. */
  case object WriteOption extends Scope("option of a write")

  /** `spark.read.format("tidb").option(name, value)` only: it decides what the table looks like. */
  case object TableOption extends Scope("option of format(\"tidb\")")

  /** `SET spark.tispark.name=value`, or the same in Spark's configuration. */
  case object Session extends Scope("session")

  /** `spark.sql.catalog.(catalog).name=value`. */
  case object Catalog extends Scope("catalog")

  /** `--conf spark.tispark.name=value` or a system property: read once per JVM. */
  case object Process extends Scope("process")

  /** Where a setting of reads may be given that does not change what a table looks like. */
  val Reading: Set[Scope] = Set(ReadOption, Session, Catalog)
}

/** A name that a setting had before (mostly in TiSpark), and how its text is translated. */
final case class OldName(name: String, translate: String => String = identity)

object OldName {

  /** A name whose words, in any case, have become others; what is none of them stays, and is refused by today's words. */
  def ofWords(name: String, words: (String, String)*): OldName =
    OldName(name, text => words.toMap.getOrElse(text.trim.toLowerCase(Locale.ROOT), text))
}

/**
 * The declaration of one setting.
 *
 * @param name without prefix: as option and catalog property `name`, as session setting `spark.tispark.name`
 * @param default text of the default, None when there is no value without the user's
 * @param since version of the connector that brought it
 * @param ofCluster says which cluster is meant: a catalog's own property then comes before the session, or a setting for one catalog
 *   would turn all others to the same cluster
 * @param ignoredAsOption TiSpark took it as an option of a read or write too, where it means nothing now: a warning, not an error
 */
final case class ConfEntry[T](
    name: String,
    valueType: ValueType[T],
    default: Option[String],
    scopes: Set[Scope],
    doc: String,
    since: String = "0.1.0",
    oldNames: Seq[OldName] = Nil,
    ofCluster: Boolean = false,
    ignoredAsOption: Boolean = false
) {

  /** Name and old names; the first that is set counts. */
  def names: Seq[OldName] = OldName(name) +: oldNames

  /** The value of a text given under `key`. */
  def parse(key: String, text: String): T =
    valueType
      .parse(text.trim)
      .getOrElse(throw new IllegalArgumentException(s"$key: the value '$text' is not allowed. Allowed: ${valueType.allowed}."))
}
