package io.tidbspark.config

import java.util.Locale
import java.util.concurrent.ConcurrentHashMap

import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.util.CaseInsensitiveStringMap
import org.slf4j.LoggerFactory

import io.tidbspark.compat.Converters._

/**
 * Settings as one statement sees them. Precedence:
 *
 *  1. option of the read or write
 *  1. session: `spark.tispark.name`
 *  1. property of the catalog: `spark.sql.catalog.(catalog).name`
 *  1. default
 *
 * For settings that say which cluster is meant ([[ConfEntry.ofCluster]]) the catalog comes before the session. A value that is empty counts as not given. Values are checked when they are read. Not to be serialised: executors get the
 * values, not this.
 */
final class TiConf(options: CaseInsensitiveStringMap, session: String => Option[String], catalog: CaseInsensitiveStringMap) {

  /** The value, its default, or None for an entry that has neither. */
  def get[T](entry: ConfEntry[T]): Option[T] =
    chosen(entry).orElse(entry.default.filter(_.nonEmpty).map(entry.parse(entry.name, _)))

  /** The value or default of an entry that declares a default. */
  def apply[T](entry: ConfEntry[T]): T =
    get(entry).getOrElse(throw new IllegalArgumentException(s"${entry.name} is not set and has no default"))

  private def chosen[T](entry: ConfEntry[T]): Option[T] = {
    val scopes = entry.scopes
    val fromOption =
      if (TiConf.OptionScopes.exists(scopes)) find(entry, "option ", name => Option(options.get(name)))
      else None
    def fromSession =
      if (scopes(Scope.Session)) find(entry, TiConf.SessionPrefix, name => session(TiConf.SessionPrefix + name)) else None
    def fromCatalog = if (scopes(Scope.Catalog)) find(entry, "catalog property ", name => Option(catalog.get(name))) else None
    fromOption.orElse(if (entry.ofCluster) fromCatalog.orElse(fromSession) else fromSession.orElse(fromCatalog))
  }

  private def find[T](entry: ConfEntry[T], prefix: String, lookup: String => Option[String]): Option[T] =
    entry.names
      .collectFirst(Function.unlift((name: OldName) => lookup(name.name).filter(_.trim.nonEmpty).map(name -> _)))
      .map { case (name, text) => entry.parse(prefix + name.name, name.translate(text)) }
}

object TiConf {

  /** Before the name of every session setting; TiSpark's, so that its configuration goes on working. */
  val SessionPrefix = "spark.tispark."

  /** Scopes whose settings are given as options. */
  private val OptionScopes: Set[Scope] = Set(Scope.ReadOption, Scope.WriteOption, Scope.TableOption)

  private val log = LoggerFactory.getLogger(classOf[TiConf])
  private val warned = ConcurrentHashMap.newKeySet[String]()

  val Empty: CaseInsensitiveStringMap = CaseInsensitiveStringMap.empty()

  /** Settings of this thread's session. */
  def apply(options: CaseInsensitiveStringMap, catalog: CaseInsensitiveStringMap): TiConf = {
    val conf = SQLConf.get
    new TiConf(options, key => Option(conf.getConfString(key, null)), catalog)
  }

  /**
   * Options of a read or a write.
   *
   * @param scopes ReadOption for the options of one scan, WriteOption for those of one write, TableOption too where the options make
   *   the table
   * @param foreign names that Spark itself serves
   * @throws java.lang.IllegalArgumentException for a name that nobody knows
   */
  def checkOptions(options: CaseInsensitiveStringMap, scopes: Set[Scope], foreign: Set[String] = Set.empty): Unit =
    check("option ", options.asScala.toMap, scopes, foreign)

  /** Properties of a catalog; as [[checkOptions]]. */
  def checkCatalog(catalogName: String, properties: CaseInsensitiveStringMap): Unit =
    check(s"spark.sql.catalog.$catalogName.", properties.asScala.toMap, Set(Scope.Catalog), Set.empty)

  /** Session settings that start with our prefix. An unknown one is only a warning: other programs may share the session. */
  def checkSession(settings: Map[String, String]): Unit = {
    val ours = settings.collect { case (key, value) if key.startsWith(SessionPrefix) => key.stripPrefix(SessionPrefix) -> value }
    ours.foreach { case (name, value) =>
      if (!knows(name, Set(Scope.Session, Scope.Process)) && !unserved(SessionPrefix, name, value)) {
        warnOnce(SessionPrefix + name, s"is not known${similar(name, Set(Scope.Session, Scope.Process))}")
      }
    }
  }

  private def check(prefix: String, settings: Map[String, String], scopes: Set[Scope], foreign: Set[String]): Unit =
    settings.foreach { case (name, value) =>
      if (
        !foreign(name.toLowerCase(Locale.ROOT)) && !knows(name, scopes) && !unserved(prefix, name, value) && !ignored(
          prefix,
          name
        )
      ) {
        throw new IllegalArgumentException(s"$prefix$name is not known${similar(name, scopes)}")
      }
    }

  private def knows(name: String, scopes: Set[Scope]): Boolean =
    Entries.All.exists(entry => entry.scopes.exists(scopes) && entry.names.exists(_.name.equalsIgnoreCase(name)))

  private def unserved(prefix: String, name: String, value: String): Boolean =
    Unserved.All.find(_.name.equalsIgnoreCase(name)) match {
      case Some(setting) if setting.refuse(value.trim.toLowerCase(Locale.ROOT)) =>
        throw new IllegalArgumentException(s"$prefix$name=$value is not served. ${setting.advice}")
      case Some(setting) =>
        warnOnce(prefix + name, s"is not served. ${setting.advice}")
        true
      case None => false
    }

  private def ignored(prefix: String, name: String): Boolean =
    Entries.All.exists(entry => entry.ignoredAsOption && entry.name.equalsIgnoreCase(name)) && {
      warnOnce(prefix + name, "has no effect: rows need no TiDB server. For DDL it is set for a catalog.")
      true
    }

  private def warnOnce(key: String, text: String): Unit = if (warned.add(key)) log.warn("{} {}", Array[AnyRef](key, text): _*)

  /** " (did you mean ...?)", or where the name would be allowed. */
  private def similar(name: String, scopes: Set[Scope]): String = {
    val elsewhere =
      Entries.All.find(_.names.exists(_.name.equalsIgnoreCase(name))).map(_.scopes.map(_.title).toSeq.sorted.mkString(", "))
    val near = Entries.All
      .filter(_.scopes.exists(scopes))
      .map(_.name)
      .map(known => known -> distance(known.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT)))
      .filter { case (known, d) => d <= math.max(2, known.length / 3) }
      .sortBy(_._2)
      .headOption
      .map(_._1)
    elsewhere
      .map(places => s" here; it can be given as: $places.")
      .orElse(near.map(known => s"; did you mean $known?"))
      .getOrElse("; see docs/configuration.md.")
  }

  /** Levenshtein distance. */
  private def distance(a: String, b: String): Int =
    a.foldLeft((0 to b.length).toVector) { (row, ca) =>
      b.indices.foldLeft(Vector(row.head + 1)) { (next, j) =>
        next :+ Seq(row(j + 1) + 1, next(j) + 1, row(j) + (if (ca == b(j)) 0 else 1)).min
      }
    }.last
}
