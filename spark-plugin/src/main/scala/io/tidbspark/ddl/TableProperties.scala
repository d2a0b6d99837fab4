package io.tidbspark.ddl

import org.apache.spark.sql.connector.catalog.TableCatalog
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.tidb.TiAnalysisException
import org.apache.spark.sql.util.CaseInsensitiveStringMap

import io.tidbspark.compat.Converters._
import io.tidbspark.config.{Scope, TiConf}

/**
 * The properties of a statement, sorted: what Spark says itself, options of the write, and what is left for TiDB.
 *
 * @param comment empty for none
 * @param ofTidb refused by name behind the border when TiDB has no such thing
 */
final private[ddl] case class TableProperties(comment: String, ofTidb: Map[String, String])

private[ddl] object TableProperties {

  /** Before properties of ours. */
  val Prefix = "tidb."

  /** Spark adds them by itself, and they say nothing about the table. */
  private val OfSpark = Set(
    TableCatalog.PROP_OWNER,
    TableCatalog.PROP_EXTERNAL,
    TableCatalog.PROP_IS_MANAGED_LOCATION,
    "table_type"
  )

  /**
   * @param what the statement, for messages
   * @throws org.apache.spark.sql.AnalysisException for what a table of TiDB cannot have
   */
  def sort(what: String, properties: Map[String, String]): TableProperties = {
    val prefix = TableCatalog.OPTION_PREFIX
    val (ofWrite, own) = properties.filterNot(_._1.startsWith(prefix)).partition { case (name, _) =>
      properties.contains(prefix + name) && !name.startsWith(Prefix)
    }
    // Spark makes options of a write properties of the table too; a wrong name is an error there as well.
    TiConf.checkOptions(new CaseInsensitiveStringMap(ofWrite.asJava), Set(Scope.WriteOption))
    own.get(TableCatalog.PROP_PROVIDER).foreach(checkProvider(what, _))
    own.get(TableCatalog.PROP_LOCATION).foreach { _ =>
      throw new TiAnalysisException(s"$what: a table of TiDB has no LOCATION")
    }
    own.get("collation").filterNot(_.equalsIgnoreCase("UTF8_BINARY")).foreach { collation =>
      throw new TiAnalysisException(s"$what: Spark's collation $collation is none of TiDB's; set ${Prefix}collation")
    }
    TableProperties(
      own.getOrElse(TableCatalog.PROP_COMMENT, ""),
      own.filterNot { case (name, _) =>
        OfSpark(name) || name == TableCatalog.PROP_COMMENT || name == TableCatalog.PROP_PROVIDER || name == "collation"
      }
    )
  }

  /** `saveAsTable` names Spark's default source when the user names none. */
  private def checkProvider(what: String, provider: String): Unit =
    if (!provider.equalsIgnoreCase("tidb") && !provider.equalsIgnoreCase(SQLConf.get.defaultDataSourceName)) {
      throw new TiAnalysisException(s"$what: USING $provider: tables of this catalog are TiDB's; leave it out")
    }
}
