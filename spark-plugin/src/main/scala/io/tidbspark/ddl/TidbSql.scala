package io.tidbspark.ddl

import java.nio.charset.StandardCharsets
import java.nio.file.{Files, Paths}

import scala.util.control.NonFatal

import org.apache.spark.sql.tidb.TiAnalysisException

import io.tidbspark.TiSessions
import io.tidbspark.compat.Converters._
import io.tidbspark.config.{DdlEntries, Entries, ReadConf, TiConf}
import io.tidbspark.errors.TiErrors
import io.tidbspark.jni.NativeSql
import io.tidbspark.proto.{DdlRequest, DdlResult, SqlEndpoint}

/** A text that is shown to nobody. */
final class Secret(text: String) {
  def reveal: String = text
  override def toString: String = "*****"
}

/**
 * TiDB's MySQL endpoint as a catalog is configured to reach it. What it runs, it runs on the driver; nothing of it is ever part of a
 * plan.
 *
 * @param conf settings of the moment, the password among them
 * @param where how this user would set a property, for messages
 */
final private[tidbspark] class TidbSql(conf: () => TiConf, where: String => String) {

  /**
   * Has TiDB run something.
   *
   * @param what for the message that says that no TiDB is known
   * @param subject whom errors are about
   * @param fill adds the statement
   */
  def run(what: => String, subject: Option[TiErrors.Subject])(fill: DdlRequest.Builder => Unit): DdlResult = {
    val current = conf()
    current.get(Entries.StaleRead).foreach { _ =>
      throw new TiAnalysisException(
        s"$what: only the present can be changed. Unset ${TiConf.SessionPrefix}${Entries.StaleRead.name}."
      )
    }
    val request = DdlRequest.newBuilder().setEndpoint(endpoint(what, current))
    fill(request)
    val bytes = request.build().toByteArray
    val secret = password(current)
    def call(): DdlResult = {
      TiSessions.loadLibrary()
      DdlResult.parseFrom(NativeSql.execute(bytes, secret.reveal.getBytes(StandardCharsets.UTF_8)))
    }
    subject.fold(TiErrors.translating(call()))(TiErrors.translatingFor(_)(call()))
  }

  private def endpoint(what: String, conf: TiConf): SqlEndpoint = {
    def missing(name: String, is: String) =
      throw new IllegalArgumentException(s"$what is TiDB's business, and ${where(name)} is not set: $is")
    val addresses = conf
      .get(DdlEntries.Addresses)
      .getOrElse(
        missing(
          DdlEntries.Addresses.name,
          s"host:port of a TiDB server, with ${DdlEntries.User.name} and ${DdlEntries.Password.name} beside it"
        )
      )
    val user = conf.get(DdlEntries.User).getOrElse(missing(DdlEntries.User.name, "the user of TiDB whose privileges DDL has"))
    val builder = SqlEndpoint
      .newBuilder()
      .addAllAddresses(addresses.asJava)
      .setUser(user)
      .setConnectTimeoutMs(conf(Entries.ConnectTimeout))
      .setStatementTimeoutMs(conf(DdlEntries.Deadline))
    ReadConf.tls(conf).foreach(builder.setTls)
    builder.build()
  }

  private def password(conf: TiConf): Secret = {
    val settings = Seq(DdlEntries.Password, DdlEntries.PasswordFile, DdlEntries.PasswordVariable).flatMap(entry =>
      conf.get(entry).map(entry -> _)
    )
    settings match {
      case Seq() => new Secret("")
      case Seq((DdlEntries.Password, text)) => new Secret(text)
      case Seq((DdlEntries.PasswordFile, path)) => new Secret(firstLine(path))
      case Seq((DdlEntries.PasswordVariable, name)) =>
        new Secret(
          sys.env.getOrElse(
            name,
            throw new IllegalArgumentException(
              s"${where(DdlEntries.PasswordVariable.name)}: the driver has no environment variable $name"
            )
          )
        )
      case several =>
        throw new IllegalArgumentException(s"${several.map(_._1.name).mkString(" and ")} are set: give one of them, not all")
    }
  }

  private def firstLine(path: String): String = {
    def refuse(why: String, cause: Throwable) =
      throw new IllegalArgumentException(s"${where(DdlEntries.PasswordFile.name)}: $path $why", cause)
    val lines =
      try Files.readAllLines(Paths.get(path), StandardCharsets.UTF_8)
      catch { case NonFatal(e) => refuse(s"cannot be read (${e.getClass.getSimpleName})", e) }
    if (lines.isEmpty) refuse("is empty", null) else lines.get(0)
  }
}
